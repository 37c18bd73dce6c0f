// A page with nothing but a script, as OpenVidu's first tutorials are. One source for both libraries: `OpenVidu` is the one of
// either. `note` tells of an event with the name of the object that fired it.

window.pages = {};

pages.plain = ({ OpenVidu, place, note }) => {
  let OV;
  let session;
  let publisher;

  const listen = (name, object, types) => {
    for (const type of types) object.on(type, (event) => note(name, type, event));
  };

  return {
    async join(token, user) {
      OV = new OpenVidu();
      session = OV.initSession();
      listen('session', session, ['connectionCreated', 'connectionDestroyed', 'streamCreated', 'streamDestroyed', 'streamPropertyChanged',
        'signal:chat', 'sessionDisconnected']);
      session.on('streamCreated', (event) => {
        const subscriber = session.subscribe(event.stream, place);
        listen('subscriber', subscriber, ['videoElementCreated', 'videoElementDestroyed', 'streamPlaying', 'streamPropertyChanged']);
        subscriber.on('videoElementCreated', ({ element }) => {
          const label = document.createElement('p');
          label.id = `data-${event.stream.connection.connectionId}`;
          label.textContent = JSON.parse(event.stream.connection.data).clientData;
          element.parentNode.insertBefore(label, element.nextSibling);
        });
      });
      session.on('streamDestroyed', ({ stream }) => {
        document.getElementById(`data-${stream.connection.connectionId}`)?.remove();
      });
      await session.connect(token, { clientData: user });
      publisher = OV.initPublisher(place, {
        audioSource: undefined,
        videoSource: undefined,
        publishAudio: true,
        publishVideo: true,
        resolution: '320x240',
        frameRate: 30,
        insertMode: 'APPEND',
        mirror: false,
      });
      listen('publisher', publisher, ['accessAllowed', 'streamCreated', 'streamDestroyed', 'videoElementCreated', 'videoElementDestroyed',
        'streamPlaying', 'streamPropertyChanged']);
      await session.publish(publisher);
    },
    mute: () => { publisher.publishAudio(false); publisher.publishVideo(false); },
    say: (data) => session.signal({ data, to: [], type: 'chat' }),
    leave: () => session.disconnect(),
  };
};
