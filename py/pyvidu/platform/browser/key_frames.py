"""Key frames, requested in both directions: after packet loss they show a picture at once.

For received video, only the worker of an `RTCRtpScriptTransform` can request them. It is created once, from a Blob, because
a page cannot start a worker of another origin. A transform set on a running receiver gets no frames in Chromium 156 (so it
cannot hold back late ones either); it would pipe them through.
"""

from __future__ import annotations

from typing import Any

from pyodide.code import run_js

_WORKER = """
    postMessage('ready');
    onrtctransform = ({ transformer }) => {
      transformer.readable.pipeTo(transformer.writable).catch(() => {});
      transformer.options.port.onmessage = () => transformer.sendKeyFrameRequest().catch(() => {});
    };
"""

_ASK = run_js(
    """
    (code) => {
      const ports = new WeakMap();
      let worker, running;
      return async (peer) => {
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
          port.postMessage('ask');
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
    """Request a key frame from the senders of the video that the RTCPeerConnection `peer` receives."""
    _ASK(peer)


def send(peer: Any) -> None:
    """Make the encoders of the video that `peer` sends produce a key frame."""
    _SEND(peer)
