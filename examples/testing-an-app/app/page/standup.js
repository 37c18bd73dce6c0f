// The page of the standup: who is there, their videos, and what happens when the network drops.

const element = (id) => document.getElementById(id);
const say = (text) => { element('status').textContent = text; };

async function join(name) {
  say('Joining');
  const { openvidu, token } = await (await fetch('/token', { method: 'POST' })).json();
  const { OpenVidu } = await import(`${openvidu}/pyvidu.js`);
  const OV = new OpenVidu();
  const session = OV.initSession();

  session.on('connectionCreated', ({ connection }) => {
    const person = document.createElement('li');
    person.id = connection.connectionId;
    person.textContent = JSON.parse(connection.data).clientData;
    element('people').append(person);
  });
  session.on('connectionDestroyed', ({ connection }) => element(connection.connectionId)?.remove());
  session.on('streamCreated', ({ stream }) => session.subscribe(stream, 'others'));

  session.on('reconnecting', () => say('Reconnecting'));
  session.on('reconnected', () => say('You are back'));
  session.on('sessionDisconnected', ({ reason }) => {
    element('people').replaceChildren();
    say(`You have left the room (${reason})`);
    element('join').hidden = false;
  });

  await session.connect(token, { clientData: name });
  await session.publish(OV.initPublisher('me', { resolution: '320x240', frameRate: 15 }));
  element('join').hidden = true;
  say('You are in the room');
}

element('join').addEventListener('submit', (event) => {
  event.preventDefault();
  join(element('name').value).catch((error) => say(`That did not work: ${error.message}`));
});
