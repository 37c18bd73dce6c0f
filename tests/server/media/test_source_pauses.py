"""A source that stood still, as on a machine that slept: its audio goes on with the next timestamp. It is made a pause."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiortc.rtp import RtcpPacket

from pyvidu.server.media import answer, codecs, rtp
from pyvidu.server.media import offer as offers
from pyvidu.server.media.forwarded_track import ForwardedTrack
from pyvidu.server.media.reception import Reception
from pyvidu.server.media.rtcp import SenderReport
from pyvidu.server.media.source_pauses import Pause, SourcePauses

RATE = 48_000
OPUS = codecs.CodecIdentity(codecs.OPUS)
OFFER = offers.parse((Path(__file__).parent / "subscriber_offer.sdp").read_text())


def sent_at(seconds: float) -> int:
    """Return the value of `abs-send-time` at a time of the sender's clock."""
    return int.from_bytes(rtp.send_time(seconds), "big")


def pause(*, hidden: float, sent: float, arrived: float, began: float = 20.0) -> Pause | None:
    """Return the pause between two packets: `sent` and `arrived` seconds apart, of which timestamps show all but `hidden`."""
    pauses = SourcePauses(RATE)
    assert pauses.before(1000, sent_at(began), 100.0) is None
    return pauses.before(1000 + round((sent - hidden) * RATE), sent_at(began + sent), 100.0 + arrived)


@pytest.mark.parametrize("began", [20.0, 60.0, 63.99])
@pytest.mark.parametrize("seconds", [1.0, 8.0, 31.0, 70.0])
def test_pause_is_what_the_sender_says_if_its_timestamps_stood_still(began: float, seconds: float) -> None:
    found = pause(hidden=seconds, sent=seconds + 0.02, arrived=seconds + 0.35, began=began)
    assert found is not None
    assert found.passed == pytest.approx(seconds + 0.02, abs=0.001)
    assert found.hidden == pytest.approx(seconds, abs=0.001)


@pytest.mark.parametrize(
    ("hidden", "sent", "arrived"),
    [
        (0.0, 8.0, 8.0),  # silence that timestamps show: discontinuous transmission
        (0.0, 0.02, 8.0),  # sent in time: the path delayed it
        (0.0, 8.0, 0.3),  # sent late, and here already: another packet was delayed
        (0.3, 0.32, 0.32),
        (0.3, 8.0, 8.0),  # an uneven pace
    ],
)
def test_path_that_delays_and_shown_silence_are_no_pause(hidden: float, sent: float, arrived: float) -> None:
    assert pause(hidden=hidden, sent=sent, arrived=arrived) is None


def test_without_send_times_there_is_no_pause() -> None:
    pauses = SourcePauses(RATE)
    assert pauses.before(0, None, 1.0) is None
    assert pauses.before(960, sent_at(9.0), 9.0) is None
    assert pauses.before(1920, None, 19.0) is None
    assert pauses.before(2880, sent_at(39.0), 39.0) is None


class Sound:
    """The audio of a publisher, as it is received and forwarded to a subscriber."""

    def __init__(self) -> None:
        self.reception = Reception(OPUS, ssrc=1, repairs=False, breaks_on_outage=True)
        self.sent: list[rtp.RtpPacket] = []
        [choice] = [c for c in answer.for_subscriber(OFFER, {"audio": OPUS}) if c.section.kind == "audio"]
        self.forwarded = ForwardedTrack(choice, "name", lambda data: self.sent.append(rtp.parse(data)), lambda: 0.0)
        self._sequence = self._timestamp = 0

    def speak(self, since: float, until: float, *, sends_times: bool = True) -> None:
        """Receive a packet every 20 ms."""
        for number in range(round((until - since) / 0.02)):
            now = since + 0.02 * number
            packet = rtp.RtpPacket(111, False, self._sequence, self._timestamp, 1, b"opus")
            self._sequence, self._timestamp = self._sequence + 1, self._timestamp + 960
            received = self.reception.receive(packet, None, now, None, rtp.send_time(now) if sends_times else None)
            assert received is not None
            self.forwarded.forward(received)

    def report(self, now: float) -> None:
        """Receive a sender report; the publisher's clock is the server's."""
        self.reception.reported(SenderReport(1, int(now * (1 << 32)), self._timestamp), offset=0.0, now=now)

    def mapped(self, now: float) -> float:
        """Return the seconds since the first packet at which the server's own sender report puts what is played `now`."""
        written = self.forwarded.sender_report(now, 3_000_000_000.0)
        assert written is not None
        stamp = RtcpPacket.parse(written)[0].sender_info.rtp_timestamp
        return ((stamp - self.sent[0].timestamp) % 2**32) / RATE


def test_source_that_stood_still_goes_on_later_by_the_time_that_has_passed() -> None:
    sound = Sound()
    sound.speak(100.0, 102.0)
    sound.speak(110.0, 111.0)
    at = [((packet.timestamp - sound.sent[0].timestamp) % 2**32) / RATE for packet in sound.sent]
    assert at[99:102] == pytest.approx([1.98, 10.0, 10.02], abs=0.001)
    numbers = [(packet.sequence - sound.sent[0].sequence) % 65536 for packet in sound.sent]
    assert numbers == list(range(150)), "nothing was lost"


def test_sender_reports_are_on_one_line_before_and_after_the_pause() -> None:
    sound = Sound()
    sound.speak(100.0, 101.0)
    sound.report(101.0)
    sound.speak(101.0, 102.0)
    assert sound.mapped(102.0) == pytest.approx(2.0, abs=0.001)
    sound.speak(110.0, 111.0)
    assert sound.mapped(111.0) == pytest.approx(11.0, abs=0.001)
    sound.report(111.0)
    assert sound.mapped(112.0) == pytest.approx(12.0, abs=0.001)


def test_source_that_stood_still_is_no_queue() -> None:
    sound = Sound()
    sound.speak(100.0, 102.0)
    sound.speak(110.0, 111.0)
    assert sound.reception.counters().delay == pytest.approx(0.0, abs=0.001)
    block = sound.reception.report(111.0)
    assert block is not None
    assert block.jitter == 0


def test_source_whose_send_times_are_not_known_is_forwarded_as_it_comes() -> None:
    sound = Sound()
    sound.speak(100.0, 102.0, sends_times=False)
    sound.speak(110.0, 111.0, sends_times=False)
    at = [((packet.timestamp - sound.sent[0].timestamp) % 2**32) / RATE for packet in sound.sent]
    assert at[99:102] == pytest.approx([1.98, 2.0, 2.02], abs=0.001)
