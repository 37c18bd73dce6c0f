// In which zone (zone.js) the application's functions run. After `await` code that is not compiled for zone.js is in the root zone,
// so each function is registered in a call of `inside`.

scenarios.zones = async ({ openvidu, tokens, tell }) => {
  const zone = Zone.root.fork({ name: 'the application' });
  /** Call `register` in the zone; resolve once the function that it gets has been called. */
  const inside = (name, register) => new Promise((resolve) => {
    zone.run(() => register(() => { tell(name, Zone.current.name); resolve(); }));
  });
  const [one, two] = [openvidu(), openvidu()];
  const [session, other] = [one.initSession(), two.initSession()];
  let publisher;
  const small = { resolution: '320x240' };
  await inside('initPublisher', (called) => { publisher = one.initPublisher(undefined, small, called); });
  await inside('accessAllowed, late', (called) => publisher.on('accessAllowed', called));
  await inside('connect', (called) => session.connect(tokens[0]).then(called));
  const created = inside('streamCreated', (called) => publisher.on('streamCreated', called));
  await session.publish(publisher);
  await created;
  const remote = inside('streamCreated of another', (called) => other.once('streamCreated', called));
  await other.connect(tokens[1]);
  await remote;
  const [{ stream }] = other.remoteConnections.values();
  await inside('subscribe', (called) => other.subscribe(stream, undefined, called));
  const signalled = inside('signal', (called) => other.once('signal', called));
  await session.signal({ data: 'x' });
  await signalled;
};
