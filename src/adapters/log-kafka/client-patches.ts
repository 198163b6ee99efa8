/**
 * Changes to the sources of node-rdkafka 3.6.1, made before it is compiled.
 *
 * - Header values go out as the bytes they are. Upstream turns them into a string, which destroys all that is not UTF-8;
 *   a dead letter carries the headers of its input unchanged.
 * - The offset list of `sendOffsetsToTransaction` is freed. Upstream leaks about 145 bytes for each partition of each commit.
 */

export interface SourcePatch {
  /** Path inside the package. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

export const CLIENT_PATCHES: readonly SourcePatch[] = [
  {
    file: 'src/producer.cc',
    find: `        Nan::MaybeLocal<v8::String> v8Value = Nan::To<v8::String>(
            Nan::Get(header, v8Key.ToLocalChecked()).ToLocalChecked());

        Nan::Utf8String uKey(v8Key.ToLocalChecked());
        std::string key(*uKey);

        Nan::Utf8String uValue(v8Value.ToLocalChecked());
        std::string value(*uValue);
        headers.push_back(
          RdKafka::Headers::Header(key, value.c_str(), value.size()));`,
    replace: `        v8::Local<v8::Value> v8Value =
            Nan::Get(header, v8Key.ToLocalChecked()).ToLocalChecked();

        Nan::Utf8String uKey(v8Key.ToLocalChecked());
        std::string key(*uKey);

        std::string value;
        if (node::Buffer::HasInstance(v8Value)) {
          if (node::Buffer::Length(v8Value) > 0) {
            value.assign(node::Buffer::Data(v8Value), node::Buffer::Length(v8Value));
          }
        } else {
          Nan::Utf8String uValue(v8Value);
          value.assign(*uValue, uValue.length());
        }
        headers.push_back(
          RdKafka::Headers::Header(key, value.data(), value.size()));`,
  },
  {
    file: 'src/workers.cc',
    find: 'ProducerSendOffsetsToTransaction::~ProducerSendOffsetsToTransaction() {}',
    replace: `ProducerSendOffsetsToTransaction::~ProducerSendOffsetsToTransaction() {
  RdKafka::TopicPartition::destroy(m_topic_partitions);
}`,
  },
];

/** The patched text. Throws `RangeError` where the place is not found exactly once: it is another version then. */
export function applyPatch(source: string, patch: SourcePatch): string {
  const parts = source.split(patch.find);
  if (parts.length !== 2) {
    throw new RangeError(`${patch.file} holds the place to patch ${parts.length - 1} times`);
  }
  return parts.join(patch.replace);
}
