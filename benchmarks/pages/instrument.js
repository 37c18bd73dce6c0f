// What every page of the benchmark has, whatever its client: notes of presented frames, session events, requests, pongs,
// sockets and stalls, stamped with performance.now(). It runs before the client is loaded and changes nothing it does.

window.bench = (() => {
  const STALL_TICK = 50; // ms
  let notes;
  const clear = () => {
    notes = { events: [], frames: {}, requests: [], pongs: [], sockets: [], fetches: [], stalls: [] };
    for (const video of document.querySelectorAll('#others video')) notes.frames[video.dataset.tag] = [];
  };
  clear();

  // --- frames ---
  let tags = 0;
  const watch = (video) => {
    video.dataset.tag = `video-${++tags}`;
    const presented = (_, { presentationTime }) => {
      if (video.isConnected) (notes.frames[video.dataset.tag] ??= []).push(presentationTime);
      video.requestVideoFrameCallback(presented);
    };
    video.requestVideoFrameCallback(presented);
  };
  const start = () =>
    new MutationObserver(() => document.querySelectorAll('#others video:not([data-tag])').forEach(watch)).observe(
      document.getElementById('others'),
      { childList: true, subtree: true },
    );

  // --- what the client sends, and how long a pong takes ---
  const pings = new Map();
  const idOf = (data) => /"id"\s*:\s*(\d+)/.exec(data)?.[1];
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    const method = typeof data === 'string' && /"method"\s*:\s*"(\w+)"/.exec(data);
    if (method) notes.requests.push([performance.now(), method[1]]);
    if (method?.[1] === 'ping') pings.set(idOf(data), performance.now());
    return send.call(this, data);
  };
  const answered = ({ data }) => {
    const id = pings.size && typeof data === 'string' && !data.includes('"method"') ? idOf(data) : undefined;
    if (!pings.has(id)) return;
    notes.pongs.push([pings.get(id), performance.now()]);
    pings.delete(id);
  };
  window.WebSocket = new Proxy(WebSocket, {
    construct(target, args) {
      notes.sockets.push(performance.now());
      const socket = Reflect.construct(target, args);
      socket.addEventListener('message', answered);
      return socket;
    },
  });
  const fetch = window.fetch;
  window.fetch = (...args) => {
    notes.fetches.push(performance.now());
    return fetch(...args);
  };

  // --- stalls of this page's event loop ---
  let ticked = performance.now();
  setInterval(() => {
    const now = performance.now();
    if (now - ticked > 2 * STALL_TICK) notes.stalls.push([ticked, now]);
    ticked = now;
  }, STALL_TICK);

  const since = (after) => (at) => at >= after;
  return {
    start,
    clear,
    tell: (name, reason) => notes.events.push([performance.now(), name, String(reason ?? '')]),
    notes: () => notes,
    /** Whether `count` videos of others have presented `more` frames each since `after`. */
    moves: (after, more, count) => {
      const series = Object.values(notes.frames);
      return series.length >= count && series.every((frames) => frames.filter(since(after)).length >= more);
    },
    /** The last thing told of an outage since `after`. */
    last: (after, names) => notes.events.filter(([at, name]) => at >= after && names.includes(name)).at(-1)?.[1] ?? '',
    told: (after, name) => notes.events.some(([at, told]) => at >= after && told === name),
  };
})();
