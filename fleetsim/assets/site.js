// Draws a siting plan: ways before and after by hexagon, what it saves, blank spots, and why each station stands.
(function () {
  var map = MAP, data = DATA, text = data.text, zones = data.zones;
  var state = { year: data.years[data.years.length - 1], view: "after" };
  var wayColours = ["#01665e", "#35978f", "#80cdc1", "#f6e8c3", "#dfc27d", "#bf812d"];
  var gainColours = ["#f3f1ec", "#a1d99b", "#74c476", "#31a354", "#12813b", "#00552a"];
  var missedColours = ["#d6604d", "#f3f1ec", "#c6dbef", "#6baed6", "#2171b5", "#08306b"];
  var views = ["before", "after", "gain"].concat(zones.missed.length ? ["missed"] : []);
  var newColour = "#d7191c", standColour = "#2b2bb0", largerColour = "#e66101", planColour = "#7b3294", bareColour = "#f768a1";

  [["hexes", 350], ["roads", 380], ["bare", 385], ["borders", 390], ["stands", 440], ["blanks", 445], ["served", 447], ["plans", 448], ["sites", 450], ["names", 460]]
    .forEach(function (pane) { map.createPane(pane[0]).style.zIndex = pane[1]; });
  ["names", "roads", "bare", "borders", "blanks", "served"].forEach(function (pane) { map.getPane(pane).style.pointerEvents = "none"; });
  var canvas = {};
  ["hexes", "roads", "bare", "borders", "stands", "blanks", "served", "plans"].forEach(function (pane) {
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
    if (state.view === "missed") return missedColours[classOf(zones.missed[i], data.missedBreaks)];
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
        (zones.need[i] ? "<br>" + zones.need[i] : "") +
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

  // Roads whose through traffic finds no station within the standard, wider with more vehicles.
  var bare = L.layerGroup(), busiest = Math.max.apply(null, [1].concat(data.bare.map(function (link) { return link[4]; })));
  data.bare.forEach(function (link) {
    L.polyline(ring(link.slice(0, 4)), {
      renderer: canvas.bare, weight: 1.5 + 4 * Math.sqrt(link[4] / busiest), color: bareColour, opacity: 0.75,
      interactive: false
    }).addTo(bare);
  });

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
  // Whom a station serves: the hexagons that have it nearest, outlined while its window is open.
  var served = L.layerGroup().addTo(map);
  function showServed(number) {
    served.clearLayers();
    zones.served.forEach(function (site, i) {
      if (site === number) {
        L.polygon(ring(zones.ring[i]), { renderer: canvas.served, weight: 2, color: "#111", fill: false, interactive: false })
          .addTo(served);
      }
    });
  }
  var planLayer = L.layerGroup().addTo(map);
  function showPlan(number) {
    planLayer.clearLayers();
    if (number < 0) return;
    data.plans[number].stations.forEach(function (station) {
      withTip(L.circleMarker([station.lat, station.lon], {
        renderer: canvas.plans, radius: 8, weight: 3, color: planColour, fillOpacity: 0.05
      }), function () {
        return "<b>" + escaped(station.name) + "</b><br>" + inPlans(station.in);
      }).addTo(planLayer);
    });
  }
  function inPlans(count) {
    return text.in_plans.replace("{count}", count).replace("{all}", data.plans.length);
  }
  var sites = L.layerGroup(), siteLayers = data.sites.map(function (site, number) {
    var marker = L.marker([site.lat, site.lon], { pane: "sites", riseOnHover: true });
    marker.bindPopup("<b>" + site.rank + ". " + escaped(site.name) + "</b> · " + escaped(site.district) + " · " +
      site.year + (site.action === "open" ? "" : " · " + text.actions[site.action]) + "<br>" + escaped(site.reason) +
      (site.waits ? "; " + site.waits : "") +
      (site.cost_cny === null ? "" : "<br>" + (site.cost_cny / 1e6).toFixed(2) + " " + text.columns.cost) +
      (site.inPlans ? "<br>" + inPlans(site.inPlans) : ""), { maxWidth: 340 });
    marker.on("popupopen", function () { showServed(number); });
    marker.on("popupclose", function () { served.clearLayers(); });
    marker.bindTooltip("<b>" + site.rank + ". " + escaped(site.name) + "</b><br>" + escaped(site.reason),
      { className: "site-tip", direction: "top", offset: [0, -8] });
    return marker;
  });
  function drawStations() {
    var full = map.getZoom() >= 10.5, size = (full ? 22 : 12) * (state.view === "gain" || state.view === "missed" ? 0.6 : 1);
    siteLayers.forEach(function (marker, i) {
      var site = data.sites[i];
      marker.setIcon(L.divIcon({
        className: "new-site " + site.action, iconSize: [size, size], html: "<i>" + (size > 20 ? site.rank : "") + "</i>"
      }));
      if (site.year <= state.year && state.view !== "before") sites.addLayer(marker); else sites.removeLayer(marker);
    });
    standLayers.forEach(function (layer) {
      layer.setRadius((state.view === "gain" ? 1.6 : 3.2) * scale());
      if (layer.opened <= state.year) stands.addLayer(layer); else stands.removeLayer(layer);
    });
  }

  // Covered share by number of stations, with the bound that no choice passes.
  function drawCurve() {
    if (data.curve.length < 2) return "";
    var width = 288, height = 110, left = 46, foot = 18;
    var most = data.curve[data.curve.length - 1][0], shares = data.curve.map(function (point) { return point[2]; });
    var low = Math.min.apply(null, data.curve.map(function (point) { return point[1]; })), high = Math.max.apply(null, shares);
    var span = Math.max(high - low, 1e-4); low = Math.max(0, low - 0.15 * span); high = Math.min(1, high + 0.15 * span);
    function x(count) { return left + (width - left - 8) * count / most; }
    function y(share) { return 6 + (height - foot - 6) * (high - share) / (high - low); }
    function line(column, style) {
      return "<polyline fill='none' " + style + " points='" + data.curve.map(function (point) {
        return x(point[0]).toFixed(1) + "," + y(point[column]).toFixed(1);
      }).join(" ") + "'/>";
    }
    var digits = high - low < 0.02 ? 2 : 1, lastLabel = -Infinity;
    var labels = [low, high].map(function (share) {
      return "<text x='" + (left - 3) + "' y='" + (y(share) + 4) + "' text-anchor='end'>" + (100 * share).toFixed(digits) + "%</text>";
    }).join("") + data.curve.map(function (point) {
      var room = x(point[0]) - lastLabel > 18;
      if (room) lastLabel = x(point[0]);
      return "<circle cx='" + x(point[0]) + "' cy='" + y(point[1]) + "' r='2.5' fill='" + newColour + "'><title>" + point[0] +
        ": " + (100 * point[1]).toFixed(2) + " %</title></circle>" + (room ? "<text x='" + x(point[0]) + "' y='" + (height - 4) +
        "' text-anchor='middle'>" + point[0] + "</text>" : "");
    }).join("");
    return "<h2>" + text.curve + "</h2><svg class='curve' width='" + width + "' height='" + height + "'>" +
      "<path d='M" + left + " 4V" + (height - foot) + "H" + width + "' fill='none' stroke='#999'/>" +
      line(2, "stroke='#999' stroke-dasharray='3 3'") + line(1, "stroke='" + newColour + "' stroke-width='1.6'") + labels + "</svg>";
  }
  function drawRounds() {
    if (!data.rounds.length) return "";
    var names = ["round", "year", "unserved_share", "peak_wait_min", "meets"], heads = text.simulated_columns;
    return "<h2>" + text.simulated + "</h2><table class='rounds'><tr>" + names.map(function (name) {
      return "<th>" + heads[name] + "</th>";
    }).join("") + "</tr>" + data.rounds.map(function (row) {
      return "<tr" + (row.chosen ? " class='chosen'" : "") + "><td>" + row.round + (row.chosen ? text.answer : "") + "</td><td>" +
        row.year + "</td><td>" + (100 * row.unserved_share).toFixed(1) + " %</td><td>" +
        (row.peak_wait_min === null ? "–" : row.peak_wait_min.toFixed(1)) + "</td><td>" +
        (row.meets ? text.met : text.not_met) + "</td></tr>";
    }).join("") + "</table>";
  }

  // The panel opens with the first sentences; the others unfold.
  function listed(lines) {
    return "<ul>" + lines.map(function (line) { return "<li>" + escaped(line) + "</li>"; }).join("") + "</ul>";
  }
  var panel = L.control({ position: "topleft" });
  panel.onAdd = function () {
    var box = L.DomUtil.create("div", "panel site-panel");
    var last = data.years.length - 1;
    box.innerHTML = "<h1>" + text.title + "</h1><p>" + escaped(text.subtitle) + "</p><div class='row' id='views'></div>" +
      (last ? "<label class='row'>" + text.year + " <b id='year'></b><input type='range' id='slider' min='0' max='" +
        last + "' value='" + last + "'></label>" : "") +
      listed(data.lines.slice(0, data.first)) + (data.lines.length > data.first ? "<details><summary>" + text.more_lines +
      "</summary>" + listed(data.lines.slice(data.first)) + "</details>" : "") + drawCurve() + drawRounds() +
      (data.plans.length > 1 ? "<label class='row'>" + text.plans + " <select id='plans'><option value='-1'>" + text.best_plan +
        "</option>" + data.plans.map(function (plan, i) {
          return i ? "<option value='" + i + "'>" + text.plan + " " + (i + 1) + " (" +
            text.plan_told.replace("{loss}", (100 * plan.loss).toFixed(2) + " %") + ")</option>" : "";
        }).join("") + "</select></label>" : "") +
      "<h2>" + text.chosen + "</h2><div class='site-list'></div>" +
      (data.blanks.length ? "<h2>" + text.blank_title + "</h2><div class='site-list' id='blank-list'></div>" : "");
    L.DomEvent.disableClickPropagation(box);
    L.DomEvent.disableScrollPropagation(box);
    views.forEach(function (view) {
      var button = L.DomUtil.create("button", view === state.view ? "on" : "", box.querySelector("#views"));
      button.textContent = text.views[view];
      button.onclick = function () {
        state.view = view;
        box.querySelectorAll("#views button").forEach(function (other) { other.className = other === button ? "on" : ""; });
        refresh();
      };
    });
    var plans = box.querySelector("#plans");
    if (plans) plans.onchange = function () { showPlan(+this.value); };
    var blankList = box.querySelector("#blank-list");
    if (blankList) data.blanks.slice(0, 10).forEach(function (blank) {
      var row = L.DomUtil.create("a", "", blankList), i = blank.zone;
      row.innerHTML = "<b>" + blank.rank + "</b><span>" + escaped(zones.names[zones.district[i]]) + " · " +
        escaped(blank.reason) + "</span><em>" + zones.population[i].toLocaleString() + "</em>";
      row.title = blank.reason;
      row.onclick = function () { map.fitBounds(L.latLngBounds(ring(zones.ring[i])), { maxZoom: 12.5 }); };
    });
    if (last) box.querySelector("#slider").oninput = function () { state.year = data.years[+this.value]; refresh(); };
    var list = box.querySelector(".site-list");
    data.sites.forEach(function (site, i) {
      var row = L.DomUtil.create("a", "", list);
      row.innerHTML = "<b>" + site.rank + "</b><span>" + escaped(site.name) + " · " + escaped(site.district) +
        (site.action === "open" ? "" : " (" + text.actions[site.action] + ")") + "</span><em>" + Math.round(site.gained).toLocaleString() + "</em>";
      row.title = site.name + " · " + site.district;
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
      (data.sites.some(function (site) { return site.action === "enlarge"; }) ?
        "<div><i class='dot' style='background:" + largerColour + "'></i>" + text.enlarged + "</div>" : "") +
      (data.plans.length > 1 ? "<div><i class='dot' style='border:2px solid " + planColour + "'></i>" + text.plans + "</div>" : "") +
      "<div><i class='dot' style='background:" + standColour + ";opacity:.55'></i>" + text.stands + "</div>" +
      (data.stands.closed.some(Boolean) ? "<div><i class='dot' style='background:#fff;border:2px solid #444'></i>" + text.closes + "</div>" : "") +
      (data.blanks.length ? "<div><i style='border:2px dashed #7a0177;width:12px;height:8px'></i>" +
        text.blank_legend.replace("{count}", data.blanks.length) + "</div>" : "") +
      "<p>" + text.notes + "</p>";
    return box;
  };
  legend.addTo(map);
  function drawClasses() {
    var gain = state.view === "gain", breaks = gain ? data.gainBreaks : data.breaks;
    if (state.view === "missed") return drawMissedClasses();
    document.getElementById("hex-title").textContent = gain ? text.gain_title : text.way_title;
    document.getElementById("classes").innerHTML = (gain ? gainColours : wayColours).map(function (colour, i) {
      var low = i ? breaks[i - 1] : 0, high = breaks[i];
      var label = gain && !i ? text.none_saved : high === undefined ? text.over + " " + low + " km" : low + "–" + high + " km";
      return "<div><i style='background:" + colour + "'></i>" + label + "</div>";
    }).join("") + (gain ? "<div class='whole'><i class='newly'></i>" + text.newly + "</div>" : "");
  }

  function drawMissedClasses() {
    var breaks = data.missedBreaks, last = breaks.length;
    document.getElementById("hex-title").textContent = text.missed_title;
    document.getElementById("classes").innerHTML = missedColours.map(function (colour, i) {
      var label = !i ? text.more_missed : i === 1 ? text.as_before :
        i === last ? text.over + " " + breaks[i - 1] : (i === 2 ? "" : breaks[i - 1] + "–") + (i === 2 ? "≤ " : "") + breaks[i];
      return "<div><i style='background:" + colour + "'></i>" + label + "</div>";
    }).join("");
  }

  var overlays = {};
  overlays[text.layers.hexes] = hexes.addTo(map);
  overlays[text.layers.roads] = roads.addTo(map);
  overlays[text.layers.borders] = borders.addTo(map);
  overlays[text.layers.names] = names.addTo(map);
  overlays[text.stands] = stands.addTo(map);
  overlays[text.opens] = sites.addTo(map);
  overlays[text.layers.blanks] = blanks.addTo(map);
  if (data.bare.length) overlays[text.layers.bare] = bare;
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
  if (views.indexOf(parts[0]) >= 0) {
    document.querySelectorAll("#views button")[views.indexOf(parts[0])].onclick();
    parts.shift();
  }
  var place = parts.map(Number);
  if (place.length === 3 && place.every(isFinite)) map.setView([place[1], place[2]], place[0], { animate: false });
  refresh();
  drawNames();
})();
