// A call without drops between two of the same page, and what the objects of each have fired, each in its order.

const plain = (event) => {
  const fields = Object.entries(event ?? {}).filter(([name]) => !['hasBeenPrevented', 'callDefaultBehavior', 'target'].includes(name));
  return fields.sort().map(([name, value]) => {
    const { connection = value, hasAudio, hasVideo, audioActive, videoActive } = Object(value);
    if (value instanceof HTMLElement) return [name, value.localName];
    if (hasAudio !== undefined) return [name, connection.data, hasAudio, hasVideo, audioActive, videoActive];
    return [name, value?.connectionId ? value.data : value];
  });
};

const inPages = async (page, { openvidu, tokens, tell }) => {
  function OpenVidu() {
    return openvidu();
  }
  const heard = {};
  const open = (user) => page({
    OpenVidu,
    place: 'videos',
    note: (name, type, event) => (heard[`${user}'s ${name}`] ??= []).push([type, ...plain(event)]),
  });
  const fired = (whose, type, count = 1) => until(() => (heard[whose] ?? []).filter(([name]) => name === type).length === count);
  const [ada, bob] = [open('Ada'), open('Bob')];
  await ada.join(tokens[0], 'Ada');
  await fired("Ada's publisher", 'streamCreated');
  await fired("Ada's publisher", 'streamPlaying');
  await bob.join(tokens[1], 'Bob');
  for (const user of ['Ada', 'Bob']) {
    await fired(`${user}'s publisher`, 'streamPlaying');
    await fired(`${user}'s subscriber`, 'streamPlaying');
  }
  await fired("Bob's publisher", 'streamCreated');
  bob.mute();
  await fired("Ada's subscriber", 'streamPropertyChanged', 2);
  await fired("Bob's publisher", 'streamPropertyChanged', 2);
  await ada.say('Hello');
  await fired("Bob's session", 'signal:chat');
  await fired("Ada's session", 'signal:chat');
  bob.leave();
  await fired("Ada's session", 'connectionDestroyed');
  ada.leave();
  await fired("Ada's session", 'sessionDisconnected');
  // Whether an element plays before or after the server's answer is the browser's.
  const playing = ([type]) => type === 'streamPlaying';
  for (const [name, events] of Object.entries(heard).sort()) {
    tell(name, ...events.filter((event) => !playing(event)), ...events.filter(playing));
  }
  tell('left', document.querySelectorAll('#videos > video').length);
};

scenarios.plainPage = (tools) => inPages(pages.plain, tools);
scenarios.reactPage = (tools) => inPages(pages.react, tools);
