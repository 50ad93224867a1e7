// Draws a siting plan: ways before and after by hexagon, what it saves, blank spots, and why each station stands.
(function () {
  var map = MAP, data = DATA, text = data.text, zones = data.zones;
  var state = { year: data.years[data.years.length - 1], view: "after" };
  var wayColours = ["#01665e", "#35978f", "#80cdc1", "#f6e8c3", "#dfc27d", "#bf812d"];
  var gainColours = ["#f3f1ec", "#a1d99b", "#74c476", "#31a354", "#12813b", "#00552a"];
  var newColour = "#d7191c", standColour = "#2b2bb0";

  [["hexes", 350], ["roads", 380], ["borders", 390], ["stands", 440], ["blanks", 445], ["sites", 450], ["names", 460]]
    .forEach(function (pane) { map.createPane(pane[0]).style.zIndex = pane[1]; });
  ["names", "roads", "borders", "blanks"].forEach(function (pane) { map.getPane(pane).style.pointerEvents = "none"; });
  var canvas = {};
  ["hexes", "roads", "borders", "stands", "blanks"].forEach(function (pane) {
    canvas[pane] = L.canvas({ pane: pane, padding: 0.3 });
  });

  function escaped(value) {
    return String(value).replace(/&/g, "&amp;").replace(/</g, "&lt;");
  }
  function ring(flat) {
    var points = [];
    for (var i = 0; i < flat.length; i += 2) points.push([flat[i + 1] / 1e5, flat[i] / 1e5]);
    return points;
  }
  function way(stage, i) {
    var value = zones[stage][state.year][i];
    return value === null ? null : value / 100;
  }
  function shown(km) { return km === null ? text.none : km.toFixed(1) + " km"; }
  function classOf(value, breaks) {
    if (value === null) return breaks.length;
    for (var i = 0; i < breaks.length; i++) if (value <= breaks[i]) return i;
    return breaks.length;
  }
  function saved(i) {
    var before = way("before", i), after = way("after", i);
    if (after === null) return 0;
    return before === null ? Infinity : Math.max(0, before - after);
  }
  function newly(i) {
    var before = way("before", i), after = way("after", i), standard = zones.standard[i] / 100;
    return after !== null && after <= standard && (before === null || before > standard);
  }
  function colour(i) {
    if (state.view === "gain") return gainColours[classOf(saved(i), data.gainBreaks)];
    return wayColours[classOf(way(state.view, i), data.breaks)];
  }

  var tip = L.tooltip({ sticky: true, className: "site-tip" });
  function withTip(layer, html) {
    layer.on("mouseover mousemove", function (event) { tip.setLatLng(event.latlng).setContent(html()).addTo(map); });
    layer.on("mouseout", function () { tip.remove(); });
    return layer;
  }

  var blankOf = {};
  data.blanks.forEach(function (blank) { blankOf[blank.zone] = blank; });
  var hexes = L.layerGroup(), hexLayers = zones.ring.map(function (flat, i) {
    var layer = L.polygon(ring(flat), { renderer: canvas.hexes, weight: 0.6, opacity: 0.8, fillOpacity: 0.8 });
    withTip(layer, function () {
      var blank = blankOf[i];
      return "<b>" + escaped(zones.names[zones.district[i]]) + "</b> " + zones.id[i] + "<br>" +
        text.residents + ": " + zones.population[i].toLocaleString() + " · " + text.jobs + ": " +
        zones.jobs[i].toLocaleString() + "<br>" + text.columns.before + ": " + shown(way("before", i)) + " → " +
        text.columns.after + ": " + shown(way("after", i)) + "<br>" + text.standard + ": " +
        (zones.standard[i] / 100).toFixed(1) + " km" +
        (blank ? "<br><b>" + text.blank + " " + blank.rank + "</b>: " + blank.reason : "");
    });
    return layer.addTo(hexes);
  });
  function drawHexes() {
    // In the view of what is saved, those brought within the standard have a dark edge.
    hexLayers.forEach(function (layer, i) {
      var edge = state.view === "gain" && newly(i);
      layer.setStyle({ fillColor: colour(i), color: edge ? "#00401f" : colour(i), weight: edge ? 1.6 : 0.6 });
    });
  }

  var roads = L.layerGroup(), borders = L.layerGroup(), names = L.layerGroup();
  data.roads.forEach(function (road) {
    L.polyline(ring(road.line), {
      renderer: canvas.roads, weight: road.width, color: road.colour, opacity: 0.7, interactive: false
    }).addTo(roads);
  });
  data.outlines.forEach(function (outline) {
    L.polygon(outline.rings.map(ring), {
      renderer: canvas.borders, weight: 1.4, color: "#333", fill: false, interactive: false
    }).addTo(borders);
  });
  var nameMarkers = data.names.map(function (name) {
    return L.marker([name.lat, name.lon], {
      pane: "names", interactive: false, minZoom: name.area > 800 ? 0 : name.area > 200 ? 9.75 : 11,
      icon: L.divIcon({ className: "district-name", iconSize: [0, 0], html: "<span>" + escaped(name.text) + "</span>" })
    });
  });
  function drawNames() {
    nameMarkers.forEach(function (marker) {
      if (map.getZoom() >= marker.options.minZoom) names.addLayer(marker); else names.removeLayer(marker);
    });
  }

  var blanks = L.layerGroup();
  data.blanks.forEach(function (blank) {
    L.polygon(ring(zones.ring[blank.zone]), {
      renderer: canvas.blanks, weight: 2, color: "#7a0177", fill: false, dashArray: "4 3", interactive: false
    }).addTo(blanks);
  });

  function scale() { return Math.min(1.5, Math.max(0.3, Math.pow(2, (map.getZoom() - 11.5) / 1.6))); }
  var stands = L.layerGroup(), standLayers = data.stands.lon.map(function (lon, i) {
    var closed = data.stands.closed[i];
    var layer = L.circleMarker([data.stands.lat[i] / 1e5, lon / 1e5], {
      renderer: canvas.stands, stroke: closed, weight: 2, color: "#444", fillColor: closed ? "#fff" : standColour,
      fillOpacity: closed ? 0.9 : 0.55
    });
    layer.opened = data.stands.opened[i];
    return withTip(layer, function () {
      return "<b>" + escaped(data.stands.name[i]) + "</b><br>" + (closed ? text.closes : text.stands) + ", " +
        data.stands.plugs[i] + " " + text.plugs;
    });
  });
  var sites = L.layerGroup(), siteLayers = data.sites.map(function (site) {
    var marker = L.marker([site.lat, site.lon], { pane: "sites", riseOnHover: true });
    marker.bindPopup("<b>" + site.rank + ". " + escaped(site.name) + "</b> · " + escaped(site.district) + " · " +
      site.year + "<br>" + escaped(site.reason) + "<br>" + site.plugs + " " + text.plugs +
      (site.cost_cny === null ? "" : " · " + (site.cost_cny / 1e6).toFixed(2) + " " + text.columns.cost), { maxWidth: 340 });
    marker.bindTooltip("<b>" + site.rank + ". " + escaped(site.name) + "</b><br>" + escaped(site.reason),
      { className: "site-tip", direction: "top", offset: [0, -8] });
    return marker;
  });
  function drawStations() {
    var full = map.getZoom() >= 10.5, size = (full ? 22 : 12) * (state.view === "gain" ? 0.6 : 1);
    siteLayers.forEach(function (marker, i) {
      var site = data.sites[i];
      marker.setIcon(L.divIcon({
        className: "new-site", iconSize: [size, size], html: "<i>" + (size > 20 ? site.rank : "") + "</i>"
      }));
      if (site.year <= state.year && state.view !== "before") sites.addLayer(marker); else sites.removeLayer(marker);
    });
    standLayers.forEach(function (layer) {
      layer.setRadius((state.view === "gain" ? 1.6 : 3.2) * scale());
      if (layer.opened <= state.year) stands.addLayer(layer); else stands.removeLayer(layer);
    });
  }

  var panel = L.control({ position: "topleft" });
  panel.onAdd = function () {
    var box = L.DomUtil.create("div", "panel site-panel");
    var last = data.years.length - 1;
    box.innerHTML = "<h1>" + text.title + "</h1><p>" + escaped(text.subtitle) + "</p><div class='row' id='views'></div>" +
      (last ? "<label class='row'>" + text.year + " <b id='year'></b><input type='range' id='slider' min='0' max='" +
        last + "' value='" + last + "'></label>" : "") +
      "<ul>" + data.lines.map(function (line) { return "<li>" + escaped(line) + "</li>"; }).join("") + "</ul>" +
      "<h2>" + text.chosen + "</h2><div class='site-list'></div>";
    L.DomEvent.disableClickPropagation(box);
    L.DomEvent.disableScrollPropagation(box);
    ["before", "after", "gain"].forEach(function (view) {
      var button = L.DomUtil.create("button", view === state.view ? "on" : "", box.querySelector("#views"));
      button.textContent = text.views[view];
      button.onclick = function () {
        state.view = view;
        box.querySelectorAll("#views button").forEach(function (other) { other.className = other === button ? "on" : ""; });
        refresh();
      };
    });
    if (last) box.querySelector("#slider").oninput = function () { state.year = data.years[+this.value]; refresh(); };
    var list = box.querySelector(".site-list");
    data.sites.forEach(function (site, i) {
      var row = L.DomUtil.create("a", "", list);
      row.innerHTML = "<b>" + site.rank + "</b><span>" + escaped(site.name) + " · " + escaped(site.district) +
        "</span><em>" + Math.round(site.gained).toLocaleString() + "</em>";
      row.onclick = function () {
        map.setView([site.lat, site.lon], 13);
        if (sites.hasLayer(siteLayers[i])) siteLayers[i].openPopup();
      };
    });
    return box;
  };
  panel.addTo(map);

  var legend = L.control({ position: "bottomright" });
  legend.onAdd = function () {
    var box = L.DomUtil.create("div", "panel legend");
    box.innerHTML = "<h2 id='hex-title'></h2><div class='columns' id='classes'></div><h2>" + text.stations + "</h2>" +
      "<div><i class='dot' style='background:" + newColour + "'></i>" + text.opens + "</div>" +
      "<div><i class='dot' style='background:" + standColour + ";opacity:.55'></i>" + text.stands + "</div>" +
      (data.stands.closed.some(Boolean) ? "<div><i class='dot' style='border:2px solid #444'></i>" + text.closes + "</div>" : "") +
      (data.blanks.length ? "<div><i style='border:2px dashed #7a0177;width:12px;height:8px'></i>" +
        text.blank_legend.replace("{count}", data.blanks.length) + "</div>" : "") +
      "<p>" + text.notes + "</p>";
    return box;
  };
  legend.addTo(map);
  function drawClasses() {
    var gain = state.view === "gain", breaks = gain ? data.gainBreaks : data.breaks;
    document.getElementById("hex-title").textContent = gain ? text.gain_title : text.way_title;
    document.getElementById("classes").innerHTML = (gain ? gainColours : wayColours).map(function (colour, i) {
      var low = i ? breaks[i - 1] : 0, high = breaks[i];
      var label = gain && !i ? text.none_saved : high === undefined ? text.over + " " + low + " km" : low + "–" + high + " km";
      return "<div><i style='background:" + colour + "'></i>" + label + "</div>";
    }).join("") + (gain ? "<div><i style='box-shadow:inset 0 0 0 2px #00401f'></i>" + text.newly + "</div>" : "");
  }

  var overlays = {};
  overlays[text.layers.hexes] = hexes.addTo(map);
  overlays[text.layers.roads] = roads.addTo(map);
  overlays[text.layers.borders] = borders.addTo(map);
  overlays[text.layers.names] = names.addTo(map);
  overlays[text.stands] = stands.addTo(map);
  overlays[text.opens] = sites.addTo(map);
  overlays[text.layers.blanks] = blanks.addTo(map);
  L.control.layers(null, overlays, { collapsed: false, position: "topright" }).addTo(map);

  function refresh() {
    var year = document.getElementById("year");
    if (year) year.textContent = state.year;
    drawClasses();
    drawHexes();
    drawStations();
  }
  L.control.scale({ imperial: false, position: "bottomleft" }).addTo(map);
  map.attributionControl.setPrefix(false);
  map.on("zoomend", function () { drawStations(); drawNames(); });
  map.fitBounds(data.bounds, { paddingTopLeft: [map.getSize().x > 900 ? 340 : 0, 0] });
  // map.html#gain/12/39.92/116.40 opens there.
  var parts = location.hash.slice(1).split("/");
  if (["before", "after", "gain"].indexOf(parts[0]) >= 0) {
    document.querySelectorAll("#views button")[["before", "after", "gain"].indexOf(parts[0])].onclick();
    parts.shift();
  }
  var place = parts.map(Number);
  if (place.length === 3 && place.every(isFinite)) map.setView([place[1], place[2]], place[0], { animate: false });
  refresh();
  drawNames();
})();
