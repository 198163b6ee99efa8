/** An MP4 with a movie header and no track (ISO/IEC 14496-12). */
export function emptyMovie(): Uint8Array {
  const box = (name: string, body: Uint8Array) => {
    const bytes = Buffer.alloc(8 + body.byteLength);
    bytes.writeUInt32BE(bytes.byteLength);
    bytes.write(name, 4, 'latin1');
    bytes.set(body, 8);
    return bytes;
  };
  const header = Buffer.alloc(100);
  header.writeUInt32BE(1_000, 12);
  return Buffer.concat([box('ftyp', Buffer.from('isom\0\0\0\0isom')), box('moov', box('mvhd', header))]);
}
