"""Which publishers are not heard any more, by what arrives here: when that is concluded, and when nothing can be."""

from __future__ import annotations

import pytest

from pyvidu.reconnection.publisher_silence import PublisherSilence

ADA, BOB = "con_ada", "con_bob"


def silent(silence: PublisherSilence, publisher: str = ADA, *, at: float = 0.0, answer: float = 0.0) -> None:
    """Let the RTP of a publisher stop, and something else arrive `answer` seconds later."""
    silence.stopped(publisher, at)
    silence.path_answers(publisher, at + answer)


def reported(silence: PublisherSilence) -> float | None:
    """Let time pass until somebody is reported, and return when that is."""
    while (due := silence.due_at) is not None:
        if silence.tick(due):
            return due
    return None


@pytest.mark.parametrize(("answer", "at"), [(0.4, 1.3), (1.0, 1.3), (2.0, 2.3)])
def test_silence_is_reported_after_a_while_and_not_right_after_the_path_has_answered(answer: float, at: float) -> None:
    silence = PublisherSilence()
    assert silence.due_at is None
    silent(silence, answer=answer)
    assert silence.due_at == pytest.approx(at)
    assert silence.tick(at - 0.01) == []
    assert silence.tick(at + 0.01) == [ADA]
    assert silence.due_at is None
    assert silence.tick(at + 5) == []


def test_silence_on_a_path_that_does_not_answer_says_nothing_nor_does_an_answer_without_a_stop() -> None:
    silence = PublisherSilence()
    silence.stopped(ADA, 0)
    assert silence.due_at is None
    silence.path_answers(BOB, 1)
    assert silence.due_at is None


def test_whoever_is_heard_in_time_is_not_reported() -> None:
    silence = PublisherSilence()
    silent(silence)
    assert not silence.heard(ADA)
    silence.stopped(ADA, 5)
    assert not silence.heard(ADA)
    silence.path_answers(ADA, 6)
    assert silence.due_at is None


def test_return_of_whoever_was_reported_is_reported_once() -> None:
    silence = PublisherSilence()
    silent(silence)
    silent(silence, BOB)
    assert silence.tick(1.4) == [ADA, BOB]
    assert [silence.heard(ADA), silence.heard(ADA), silence.heard(BOB)] == [True, False, True]


def test_own_trouble_excludes_silences_that_are_there_and_those_that_begin_soon_but_no_return() -> None:
    silence = PublisherSilence()
    silent(silence)
    assert reported(silence) is not None
    silent(silence, BOB)
    silence.stopped("con_carl", 0)
    silence.disturbed(1)
    silence.path_answers("con_carl", 1)
    silent(silence, BOB, at=10.9)
    assert silence.due_at is None
    silent(silence, BOB, at=11)
    assert reported(silence) is not None
    assert silence.heard(ADA)


def test_late_look_waits_for_what_has_arrived_meanwhile() -> None:
    silence = PublisherSilence()
    silent(silence)
    assert silence.tick(4) == []
    assert silence.due_at == pytest.approx(4.3)
    assert silence.tick(4.3) == [ADA]


def test_three_silences_a_minute_are_reported_and_a_fourth_that_lasts_when_the_minute_is_over() -> None:
    silence = PublisherSilence()
    times = []
    for start in (0, 10, 20, 30):
        silent(silence, at=start)
        times.append(reported(silence))
        assert silence.heard(ADA)
    assert times == pytest.approx([1.3, 11.3, 21.3, 61.3])
    silent(silence, at=65)
    assert reported(silence) == pytest.approx(71.3)


def test_answer_from_before_all_streams_fell_silent_proves_nothing_and_one_after_it_does() -> None:
    silence = PublisherSilence()
    silent(silence, answer=0.5)
    silence.doubted(0.6)
    assert silence.due_at is None
    silence.path_answers(ADA, 1.5)
    assert reported(silence) == pytest.approx(1.8)


def test_doubted_answer_counts_again_once_anything_arrives_unless_this_page_was_out() -> None:
    silence = PublisherSilence()
    silent(silence, answer=0.5)
    silent(silence, BOB, answer=0.5)
    silence.doubted(0.6)
    silence.heard(BOB)
    silence.trusted(0.9)
    silence.trusted(1.2)
    assert silence.due_at == pytest.approx(1.3)
    assert silence.tick(1.3) == [ADA]
    silent(silence, BOB, at=2)
    silence.doubted(2.4)
    silence.disturbed(2.5)
    silence.trusted(2.6)
    assert silence.due_at is None


def test_doubted_answer_of_long_ago_proves_nothing_when_another_stream_arrives() -> None:
    silence = PublisherSilence()
    silent(silence, answer=0.5)
    silence.doubted(0.6)
    silence.trusted(5.7)
    assert silence.due_at is None
    silence.path_answers(ADA, 6)
    assert reported(silence) == pytest.approx(6.3), "a new answer does"


def test_answer_on_the_path_of_another_silent_publisher_restores_what_was_doubted() -> None:
    silence = PublisherSilence()
    silent(silence, answer=0.5)
    silence.doubted(0.6)
    silent(silence, BOB, at=1, answer=0.5)
    assert silence.tick(1.8) == [ADA]
    assert silence.tick(2.3) == [BOB]
