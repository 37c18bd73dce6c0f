// What openvidu-browser does not have.

scenarios.ours = async ({ openvidu, tokens, tell }) => {
  let rosters = 0;
  const { session, other, publisher, subscriber } = await callOfTwo(() => {
    const made = openvidu();
    made.setAdvancedConfiguration({
      roster: async () => { rosters += 1; return (await rest('GET', `sessions/${session.sessionId}/connection`))[1]; },
      reconnection: { media: { patience: 1000, pauseWeakVideo: false }, attempts: { backoffBase: 60000, backoffCap: 60000, giveUpAfter: null } },
    });
    return made;
  }, tokens);
  await next(subscriber, 'streamPlaying');
  const fired = (target, ...types) => {
    const events = [];
    for (const type of types) target.on(type, (event) => events.push([type, event]));
    return { names: () => events.map(([type]) => type), events, wait: (type) => until(() => events.some(([name]) => name === type), 15000) };
  };
  for (const { stream } of [subscriber, publisher]) {
    let quality;
    const isGood = ({ level, lost, jitter, bitRate, frameRate }) => level >= 1 && lost < 0.5 && jitter < 1 && bitRate > 1000 && frameRate > 0;
    for (let tries = 0; !quality || (!isGood(quality) && tries < 20); tries += 1) {
      await new Promise((done) => { setTimeout(done, 300); });
      quality = await stream.getQuality();
    }
    tell('quality', isGood(quality) || quality);
  }
  tell('none', await openvidu().initPublisher(undefined, { audioSource: false, resolution: '160x120' }).stream.getQuality());

  const health = fired(other, 'streamFrozen', 'streamRecovered');
  await fault('dead-media', other.connection.connectionId, 1.5);
  await health.wait('streamRecovered');
  const [[, { stream, message }]] = health.events;
  tell(health.names().slice(0, 2), stream === subscriber.stream, typeof message);

  const outage = fired(session, 'reconnecting', 'reconnectionAttempt', 'reconnected', 'outageSettled');
  await fault('signaling-only', session.connection.connectionId, 3, { close: true });
  await outage.wait('reconnectionAttempt');
  const [, [, { attempt, nextDelay }]] = outage.events;
  tell(attempt, typeof nextDelay);
  const again = setInterval(() => session.reconnectNow(), 200); // refused until the fault ends; then nobody waits for a minute
  await outage.wait('outageSettled');
  clearInterval(again);
  await until(() => rosters > 0);
  const names = outage.names().filter((name) => name !== 'reconnectionAttempt');
  tell(names, session.outages[0].end, outage.events.at(-1)[1].outage.end);

  const end = fired(session, 'reconnecting', 'reconnected', 'sessionDisconnected');
  await fault('signaling-only', session.connection.connectionId, 30, { close: true });
  await end.wait('reconnecting');
  session.stopReconnecting();
  tell(end.names(), end.events.at(-1)[1].reason);
};

scenarios.screenShareEnded = async ({ openvidu, tell }) => {
  const getDisplayMedia = () => navigator.mediaDevices.getUserMedia({ video: true });
  await withDevices({ getDisplayMedia }, async () => {
    const publisher = await openvidu().initPublisherAsync(undefined, { videoSource: 'screen', audioSource: false });
    const ended = next(publisher, 'screenShareEnded');
    publisher.stream.getMediaStream().getVideoTracks()[0].dispatchEvent(new Event('ended'));
    tell((await ended).target === publisher);
  });
};
