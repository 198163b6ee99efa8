"""Pass-through with confluent-kafka: consume, produce, commit in a transaction. Ends when its standard input does.

Written as its documentation advises for speed: consume in batches, no delivery callbacks, one transaction per interval.
"""

import os
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

BATCH = 2_000

brokers = os.environ["BENCH_BROKERS"]
source = os.environ["BENCH_INPUT"]
target = os.environ["BENCH_OUTPUT"]
group = os.environ["BENCH_GROUP"]
interval = int(os.environ["BENCH_INTERVAL_MS"]) / 1_000

stopping = threading.Event()


def watch_input() -> None:
    sys.stdin.read()
    stopping.set()


threading.Thread(target=watch_input, daemon=True).start()

producer = Producer(
    {
        "bootstrap.servers": brokers,
        "transactional.id": group,
        "compression.codec": "lz4",
        "linger.ms": 5,
        "batch.num.messages": 10_000,
        "queue.buffering.max.messages": 500_000,
        "partitioner": "murmur2_random",
    }
)
consumer = Consumer(
    {
        "bootstrap.servers": brokers,
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "isolation.level": "read_committed",
        "fetch.wait.max.ms": 100,
        "auto.offset.reset": "earliest",
    }
)
producer.init_transactions()
consumer.subscribe([source])


def hand_over(message) -> None:
    """The trivial map: the value goes on as it is."""
    while True:
        try:
            producer.produce(target, message.value(), message.key(), timestamp=message.timestamp()[1])
            return
        except BufferError:
            producer.poll(0.005)


following: dict[int, int] = {}
began = 0.0
while not stopping.is_set():
    messages = consumer.consume(BATCH, timeout=0.02)
    if messages and not following:
        producer.begin_transaction()
        began = time.monotonic()
    for message in messages:
        if message.error() is not None:
            raise KafkaException(message.error())
        hand_over(message)
        following[message.partition()] = message.offset() + 1
    if following and time.monotonic() - began >= interval:
        offsets = [TopicPartition(source, partition, offset) for partition, offset in following.items()]
        producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata())
        producer.commit_transaction()
        following.clear()
