// Draws coverage by hexagon and stations by kind, year by year. `data` is columnar; coordinates are degrees * 1e5.
(function () {
  var map = MAP, data = DATA, text = data.text;
  var state = { year: data.years[data.years.length - 1], kind: data.kinds[0] };
  var distanceColours = ["#01665e", "#35978f", "#80cdc1", "#f6e8c3", "#dfc27d", "#bf812d"];
  var kindColours = { public: "#2b2bb0", depot: "#555555", swap: "#e6550d", hydrogen: "#c51b8a" };

  map.createPane("hexes").style.zIndex = 350;
  map.createPane("roads").style.zIndex = 380;
  map.createPane("borders").style.zIndex = 390;
  map.createPane("stations").style.zIndex = 450;
  map.createPane("names").style.zIndex = 460;
  map.getPane("names").style.pointerEvents = "none";
  map.getPane("roads").style.pointerEvents = "none";
  map.getPane("borders").style.pointerEvents = "none";
  var canvas = {};
  ["hexes", "roads", "borders", "stations"].forEach(function (pane) {
    canvas[pane] = L.canvas({ pane: pane, padding: 0.3 });
  });

  function ring(flat) {
    var points = [];
    for (var i = 0; i < flat.length; i += 2) points.push([flat[i + 1] / 1e5, flat[i] / 1e5]);
    return points;
  }
  function classOf(km) {
    if (km === null || km === undefined) return distanceColours.length - 1;
    var breaks = data.breaks[state.kind];
    for (var i = 0; i < breaks.length; i++) if (km <= breaks[i]) return i;
    return breaks.length;
  }
  function km(i) {
    var values = data.distance[state.kind] && data.distance[state.kind][state.year];
    return values ? values[i] / 100 : null;
  }

  var tip = L.tooltip({ sticky: true });
  function withTip(layer, html) {
    layer.on("mouseover mousemove", function (event) {
      tip.setLatLng(event.latlng).setContent(html()).addTo(map);
    });
    layer.on("mouseout", function () { tip.remove(); });
    return layer;
  }

  var hexes = L.layerGroup(), hexLayers = data.zones.ring.map(function (flat, i) {
    var layer = L.polygon(ring(flat), { renderer: canvas.hexes, weight: 0.6, opacity: 0.8, fillOpacity: 0.8 });
    withTip(layer, function () {
      var distance = km(i);
      return "<b>" + data.districts[data.zones.district[i]] + "</b> " + data.zones.id[i] + "<br>" +
        text.residents + ": " + data.zones.population[i].toLocaleString() + "<br>" +
        text.nearest[state.kind] + ": " + (distance === null ? text.none : distance.toFixed(1) + " km") + "<br>" +
        text.standard + ": " + (data.zones.standard[state.kind][i] / 10).toFixed(1) + " km";
    });
    return layer.addTo(hexes);
  });

  var roads = L.layerGroup();
  data.roads.forEach(function (road) {
    L.polyline(ring(road.line), {
      renderer: canvas.roads, weight: road.width, color: road.colour, opacity: 0.9, interactive: false
    }).addTo(roads);
  });
  var borders = L.layerGroup();
  data.outlines.forEach(function (outline) {
    L.polygon(outline.rings.map(ring), {
      renderer: canvas.borders, weight: 1.4, color: "#333", fill: false, interactive: false
    }).addTo(borders);
  });
  // Names of small districts appear once there is room for them.
  var names = L.layerGroup();
  var nameMarkers = data.names.map(function (name) {
    return L.marker([name.lat, name.lon], {
      pane: "names", interactive: false, minZoom: name.area > 800 ? 0 : name.area > 200 ? 9.75 : 11,
      icon: L.divIcon({ className: "district-name", iconSize: [0, 0], html: "<span>" + name.text + "</span>" })
    });
  });
  function drawNames() {
    nameMarkers.forEach(function (marker) {
      if (map.getZoom() >= marker.options.minZoom) names.addLayer(marker); else names.removeLayer(marker);
    });
  }

  var stationGroups = {};
  data.stationKinds.forEach(function (kind) { stationGroups[kind] = L.layerGroup(); });
  function scale() { return Math.min(1.6, Math.max(0.12, Math.pow(2, (map.getZoom() - 11.5) / 1.4))); }
  function plugs(i) { return data.stations.plugs[state.year][i]; }
  var largerKinds = { swap: 1.8, hydrogen: 2.6 };
  function radius(plugs) { return scale() * (1.8 + 0.8 * Math.sqrt(Math.min(plugs, 200))); }
  var stations = data.stations.kind.map(function (kindIndex, i) {
    var kind = data.stationKinds[kindIndex];
    var layer = L.circleMarker([data.stations.lat[i] / 1e5, data.stations.lon[i] / 1e5], {
      renderer: canvas.stations, stroke: false,
      fillColor: kindColours[kind], fillOpacity: kind === "public" ? 0.7 : 0.95
    });
    return withTip(layer, function () {
      return "<b>" + data.stations.name[i] + "</b><br>" + text.kinds[kind] + ", " + plugs(i) + " " +
        text.plugs[kind] + (data.stations.power[i] ? " × " + data.stations.power[i] + " kW" : "") + "<br>" +
        text.since + " " + data.stations.opened[i] + "; " + text.basis[data.stations.basis[i]] +
        (data.stations.reason[i] ? "<br>" + data.stations.reason[i] : "");
    });
  });
  function drawStations() {
    stations.forEach(function (layer, i) {
      var group = stationGroups[data.stationKinds[data.stations.kind[i]]];
      if (plugs(i) > 0) group.addLayer(layer); else group.removeLayer(layer);
    });
    resizeStations();
  }
  function resizeStations() {
    stations.forEach(function (layer, i) {
      layer.setRadius(radius(plugs(i)) * (largerKinds[data.stationKinds[data.stations.kind[i]]] || 1));
    });
    map.getContainer().querySelectorAll(".sizes i").forEach(function (dot) {
      dot.style.width = dot.style.height = 2 * radius(+dot.dataset.plugs) + "px";
    });
  }
  function drawHexes() {
    hexLayers.forEach(function (layer, i) {
      var colour = distanceColours[classOf(km(i))];
      layer.setStyle({ fillColor: colour, color: colour });
    });
  }

  var panel = L.control({ position: "topleft" });
  panel.onAdd = function () {
    var box = L.DomUtil.create("div", "panel");
    box.innerHTML = "<h1>" + text.title + "</h1><p>" + text.subtitle + "</p>" +
      "<div class='row' id='kinds'></div>" +
      "<label class='row'>" + text.year + " <b id='year'></b><input type='range' id='slider' min='0' max='" +
      (data.years.length - 1) + "' value='" + (data.years.length - 1) + "'></label><p id='summary'></p>";
    L.DomEvent.disableClickPropagation(box);
    L.DomEvent.disableScrollPropagation(box);
    var kinds = box.querySelector("#kinds");
    data.kinds.forEach(function (kind) {
      var button = L.DomUtil.create("button", kind === state.kind ? "on" : "", kinds);
      button.textContent = text.kinds[kind];
      button.onclick = function () {
        state.kind = kind;
        kinds.querySelectorAll("button").forEach(function (other) { other.className = other === button ? "on" : ""; });
        refresh();
      };
    });
    box.querySelector("#slider").oninput = function () { state.year = data.years[+this.value]; refresh(); };
    return box;
  };
  panel.addTo(map);

  var legend = L.control({ position: "bottomleft" });
  legend.onAdd = function () {
    var box = L.DomUtil.create("div", "panel legend");
    var dots = data.stationKinds.map(function (kind) {
      return "<div><i class='dot' style='background:" + kindColours[kind] + "'></i>" + text.kinds[kind] + "</div>";
    });
    var sizes = [1, 20, 100].map(function (plugs) {
      return "<span><i class='dot' style='background:#777' data-plugs='" + plugs + "'></i>" + plugs + "</span>";
    });
    var lines = data.roadLegend.map(function (road) {
      return "<div><i class='line' style='border-top:" + road.width + "px solid " + road.colour + "'></i>" + road.label + "</div>";
    });
    box.innerHTML = "<h2>" + text.distance + "</h2><div class='columns' id='classes'></div><h2>" + text.stations +
      "</h2><div class='columns'>" + dots.join("") + "</div><div>" + text.size + "</div><div class='sizes'>" + sizes.join(" ") +
      "</div><h2>" + text.roads + "</h2><div class='columns'>" + lines.join("") + "</div><p>" + text.notes + "</p>";
    return box;
  };
  legend.addTo(map);

  function drawClasses() {
    document.getElementById("classes").innerHTML = distanceColours.map(function (colour, i) {
      var breaks = data.breaks[state.kind], low = i ? breaks[i - 1] : 0, high = breaks[i];
      var label = high === undefined ? text.over + " " + low + " km" : low + "–" + high + " km";
      return "<div><i style='background:" + colour + "'></i>" + label + "</div>";
    }).join("");
  }

  var overlays = {};
  overlays[text.layers.hexes] = hexes.addTo(map);
  overlays[text.layers.roads] = roads.addTo(map);
  overlays[text.layers.borders] = borders.addTo(map);
  overlays[text.layers.names] = names.addTo(map);
  data.stationKinds.forEach(function (kind) {
    var group = stationGroups[kind];
    if (kind !== "depot") group.addTo(map);
    overlays[text.kinds[kind]] = group;
  });
  L.control.layers(null, overlays, { collapsed: false, position: "topright" }).addTo(map);

  function refresh() {
    document.getElementById("year").textContent = state.year;
    document.getElementById("summary").innerHTML = (data.summary[state.kind] || {})[state.year] || "";
    drawClasses();
    drawHexes();
    drawStations();
  }
  L.control.scale({ imperial: false, position: "bottomright" }).addTo(map);
  map.attributionControl.setPrefix(false);
  map.on("zoomend", function () { resizeStations(); drawNames(); });
  map.fitBounds(data.bounds, { paddingTopLeft: [map.getSize().x > 900 ? 330 : 0, 0] });
  // coverage.html#12/39.92/116.40 opens there.
  var place = location.hash.slice(1).split("/").map(Number);
  if (place.length === 3 && place.every(isFinite)) map.setView([place[1], place[2]], place[0], { animate: false });
  refresh();
  drawNames();
})();
