/* Sends page views, clicks and events of your own to the collector that serves this file.
   <script src="https://collector.example.com/tracker.js" data-publisher-id="2" async></script>
   <a href="/apply" data-recruit="click" data-job-id="7" data-bid="40">: clicks on it are sent, with its data.
   recruit.track("conversion", {job_id: 7}) sends an event of your own. */
(function (d, w, n) {
  var script = d.currentScript, base = script.src.replace(/tracker\.js.*$/, "");
  function data(element) {
    var fields = {}, name;
    for (name in element.dataset)
      if (name != "recruit") fields[name.replace(/[A-Z]/g, function (c) { return "_" + c.toLowerCase(); })] = element.dataset[name];
    return fields;
  }
  var shared = data(script);
  function track(action, own) {
    var s = w.screen, fields = {
      custom_track: action, dl: location.href, rl: d.referrer, dt: d.title, de: d.characterSet, ua: n.userAgent,
      sr: s.width + "x" + s.height, cd: s.colorDepth, vp: w.innerWidth + "x" + w.innerHeight,
      tz: -new Date().getTimezoneOffset()
    };
    [shared, own || {}].forEach(function (more) { for (var name in more) fields[name] = more[name]; });
    if (n.sendBeacon && n.sendBeacon(base + "collect", JSON.stringify(fields))) return;
    var query = [], name;
    for (name in fields)
      if (fields[name] != null) query.push(encodeURIComponent(name) + "=" + encodeURIComponent(fields[name]));
    new Image().src = base + "pixel.gif?" + query.join("&");
  }
  d.addEventListener("click", function (event) {
    var element = event.target.closest && event.target.closest("[data-recruit]");
    if (element) track(element.dataset.recruit || "click", data(element));
  }, true);
  w.recruit = { track: track };
  track("page");
})(document, window, navigator);
