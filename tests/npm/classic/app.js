// As the official tutorials with a script tag have it: everything is used at once.
(() => {
  const fired = [];
  const added = () => Reflect.ownKeys(window).filter((name) => !window.names.has(name)).map(String);
  const make = (Library) => {
    const session = new Library().initSession();
    for (const name of ['reconnecting', 'reconnected', 'sessionDisconnected', 'exception']) session.on(name, () => fired.push(name));
    session.on('streamCreated', (event) => session.subscribe(event.stream, 'others'));
    return session;
  };
  const library = new window.OpenVidu();
  const session = make(window.OpenVidu);
  const publisher = library.initPublisher('me', { resolution: '320x240', frameRate: 15 });
  const atOnce = [session.constructor.name, publisher.constructor.name, publisher.on('streamPlaying', () => {}) === publisher];
  const first = window.kept.First && make(window.kept.First);

  async function join(token) {
    await session.connect(token);
    await session.publish(publisher);
    return session.connection.connectionId;
  }
  Object.assign(window.application, { fired, added, addedAtOnce: added(), atOnce, join, joinWithTheFirst: (token) => first.connect(token) });
})();
