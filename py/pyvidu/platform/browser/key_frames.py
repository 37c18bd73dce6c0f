"""Key frames, asked for in both directions: what shows a picture at once after packets were lost.

Inbound, asking is a right of the worker behind an `RTCRtpScriptTransform`. It is made once, from a Blob, for a page cannot
start a worker of another origin. It pipes frames through, and asks when it is told to.

It can also hold back what cannot be decoded. Packets that waited in some queue for seconds, and arrive all at once when the
network is back, make libwebrtc believe in a jitter of seconds: it then shows the first good picture 0.3 to 0.5 s late
(measured in Chromium 156 after a link drop). Frames that the worker drops are never seen by the jitter estimate.
"""

from __future__ import annotations

from typing import Any

from pyodide.code import run_js

_WORKER = """
    const ASK_AGAIN_MS = 300, PATIENCE_MS = 2000;
    postMessage('ready');
    onrtctransform = ({ transformer }) => {
      let holding = false, since, askedAt = -Infinity;
      const ask = () => {
        askedAt = performance.now();
        transformer.sendKeyFrameRequest().catch(() => {});
      };
      transformer.options.port.onmessage = ({ data }) => {
        if (data === 'hold') [holding, since] = [true, undefined];
        else ask();
      };
      const gate = new TransformStream({
        transform(frame, controller) {
          if (holding) {
            const now = performance.now();
            since ??= now;
            holding = frame.type !== 'key' && now - since < PATIENCE_MS;
            if (holding) {
              if (now - askedAt >= ASK_AGAIN_MS) ask();
              return;
            }
          }
          controller.enqueue(frame);
        },
      });
      transformer.readable.pipeThrough(gate).pipeTo(transformer.writable).catch(() => {});
    };
"""

_TELL_RECEIVERS = run_js(
    """
    (code) => {
      const ports = new WeakMap();
      let worker, running;
      return async (peer, word) => {
        if (!self.RTCRtpScriptTransform) return;
        // Frames handed to a worker that a Content-Security-Policy kept from starting would go nowhere: first see it run.
        running ??= new Promise((resolve) => {
          worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })));
          worker.onmessage = resolve;
        });
        await running;
        if (peer.signalingState === 'closed') return;
        for (const receiver of peer.getReceivers()) {
          if (receiver.track.kind !== 'video') continue;
          let port = ports.get(receiver);
          if (!port) {
            const channel = new MessageChannel();
            receiver.transform = new RTCRtpScriptTransform(worker, { port: channel.port2 }, [channel.port2]);
            ports.set(receiver, (port = channel.port1));
          }
          port.postMessage(word);
        }
      };
    }
    """
)(_WORKER)

_SEND = run_js(
    """
    (peer) => {
      for (const sender of peer.getSenders()) {
        if (sender.track?.kind !== 'video') continue;
        const parameters = sender.getParameters();
        const encodingOptions = parameters.encodings.map(() => ({ keyFrame: true }));
        sender.setParameters(parameters, { encodingOptions }).catch(() => {});
      }
    }
    """
)


def ask(peer: Any) -> None:
    """Asks the senders of the video that the RTCPeerConnection `peer` receives."""
    _TELL_RECEIVERS(peer, "ask")


def hold_until_key_frame(peer: Any) -> None:
    """Holds back the video that `peer` receives until a key frame comes, which is asked for as soon as anything comes."""
    _TELL_RECEIVERS(peer, "hold")


def send(peer: Any) -> None:
    """Makes the encoders of the video that `peer` sends begin anew."""
    _SEND(peer)
