"""The first seconds of a video by PyAV: five pictures of 224 x 224 and 16 kHz mono sound, decoded on one thread."""

import av
import numpy

TARGETS = [0.0, 1.0, 2.0, 3.0, 4.0]
SECONDS = 5.0
RATE = 16_000
SIZE = 224


def pictures(container) -> numpy.ndarray:
    """uint8 [5, 224, 224, 3]: for each target the latest frame at or before it."""
    stream = container.streams.video[0]
    stream.codec_context.thread_count = 1
    found, previous, origin = [], None, None
    for frame in container.decode(stream):
        if frame.time is None:
            continue
        origin = frame.time if origin is None else origin
        while len(found) < len(TARGETS) and previous is not None and frame.time - origin > TARGETS[len(found)]:
            found.append(previous)
        if len(found) == len(TARGETS):
            break
        previous = frame
    while previous is not None and len(found) < len(TARGETS):
        found.append(previous)
    scaled = {
        id(frame): frame.to_ndarray(format="rgb24", width=SIZE, height=SIZE, interpolation="BICUBIC") for frame in found
    }
    return numpy.stack([scaled[id(frame)] for frame in found])


def sound(container) -> numpy.ndarray:
    """float32 [80000] at most."""
    if not container.streams.audio:
        return numpy.zeros(0, numpy.float32)
    stream = container.streams.audio[0]
    stream.codec_context.thread_count = 1
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    parts = []
    for frame in container.decode(stream):
        if frame.time is not None and frame.time >= SECONDS:
            break
        parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
    wave = numpy.concatenate(parts) if parts else numpy.zeros(0, numpy.float32)
    return wave[: int(SECONDS * RATE)]


def first_seconds(path: str) -> tuple[numpy.ndarray, numpy.ndarray]:
    with av.open(path) as container:
        seen = pictures(container)
    with av.open(path) as container:
        return seen, sound(container)
