// What applications do with openvidu-browser, once with it and once with pyvidu.js, in one page and on one server: each
// function of `scenarios` gets one of the libraries and tokens of a session that is new, and returns what it has seen.

window.scenarios = {};

/** The libraries, by name. */
const loaded = (async () => ({ official: { OpenVidu: window.OpenVidu }, own: await import(window.pyviduAddress) }))();

/** Resolve once Python runs. */
window.started = async () => (await loaded).own.ready;

/** Run a scenario with one library. */
window.seen = async (name, library, tokens) => {
  const { [library]: found } = await loaded;
  const trace = [];
  const tell = (...what) => trace.push(what);
  const open = [];
  document.getElementById('videos').replaceChildren();
  const openvidu = () => {
    const made = new found.OpenVidu();
    const { initSession } = made;
    made.initSession = () => { open.push(initSession.call(made)); return open.at(-1); };
    return made;
  };
  try {
    await window.scenarios[name]({ openvidu, tokens, tell });
  } finally {
    for (const session of open) session.disconnect();
  }
  return trace;
};

/** Resolve with the next event `name` of `target`. */
window.next = (target, name) => new Promise((resolve) => { target.once(name, resolve); });

/** Resolve with the name and the message of what a promise is rejected with, or with `undefined`. */
window.failure = (promise) => promise.then(() => undefined, ({ name, message }) => ({ name, message }));

/** Return a function that returns the requests with one of these methods that have been sent since, by any session. */
window.requests = (...methods) => {
  const since = sent.length;
  return () => sent.slice(since).filter(({ method }) => methods.includes(method)).map(({ method, params }) => ({ method, params }));
};
const sent = [];
const { send } = WebSocket.prototype;
WebSocket.prototype.send = function noted(text) {
  sent.push(JSON.parse(text));
  return send.call(this, text);
};
