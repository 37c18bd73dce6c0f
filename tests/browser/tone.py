"""A steady sound, for tests of speech: `toneTrack()` in a page returns the track of a microphone that hears it.

Chromium's own fake microphone is no speech: it beeps for 20 to 40 ms each half second, which 40 of 593 readings of its
loudness met, one in 100 ms.
"""

TONE = """
window.toneTrack = () => {
  const context = new AudioContext();
  const tone = new OscillatorNode(context, { frequency: 440 });
  const microphone = context.createMediaStreamDestination();
  tone.connect(microphone);
  tone.start();
  return microphone.stream.getAudioTracks()[0];
};
"""
