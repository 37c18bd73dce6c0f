// A participant as a page of openvidu-browser's own users has it. `pyvidu.js` has the same surface: the two differ in
// where `OpenVidu` comes from, and in nothing else.

window.participant = (() => {
  let openvidu;
  let session;
  let publisher;
  const EVENTS = ['reconnecting', 'reconnected', 'sessionDisconnected', 'streamCreated', 'streamDestroyed', 'exception'];
  return {
    async join(token, force, properties, name, others) {
      openvidu = new OpenVidu();
      openvidu.enableProdMode();
      openvidu.setAdvancedConfiguration({ forceMediaReconnectionAfterNetworkDrop: force });
      session = openvidu.initSession();
      for (const name of EVENTS) session.on(name, (event) => bench.tell(name, event?.reason ?? event?.name));
      session.on('streamCreated', (event) => {
        if (event.stream.connection.data.includes(others)) session.subscribe(event.stream, 'others');
      });
      await session.connect(token, { name });
      if (!properties) return;
      publisher = await openvidu.initPublisherAsync('me', JSON.parse(properties));
      await session.publish(publisher);
    },
    leave() {
      session?.disconnect();
      session = publisher = undefined;
      for (const id of ['me', 'others']) document.getElementById(id).replaceChildren();
    },
    outages: () => JSON.stringify(session?.outages ?? []),
  };
})();
