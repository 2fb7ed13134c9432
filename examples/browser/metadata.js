// What an exported model says of itself: the metadata_props of its ONNX file.

/** Read a number of protobuf, 7 bits a byte; return it and where it ends. */
function readNumber(bytes, at) {
  let value = 0;
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes[at++];
    value += (byte & 127) * factor;
    if (byte < 128) return [value, at];
  }
}

/** Yield [number of the field, its bytes] of all fields that have a length. */
function* fields(bytes) {
  const lengths = { 1: 8, 5: 4 };
  for (let at = 0; at < bytes.length; ) {
    let key, value;
    [key, at] = readNumber(bytes, at);
    if (key % 8 === 0) {
      [value, at] = readNumber(bytes, at);
    } else if (key % 8 === 2) {
      [value, at] = readNumber(bytes, at);
      yield [Math.floor(key / 8), bytes.subarray(at, at + value)];
      at += value;
    } else {
      at += lengths[key % 8];
    }
  }
}

/** The texts in a file, by name. */
export function readMetadata(file) {
  const decode = (part) => new TextDecoder().decode(part);
  const found = {};
  for (const [number, entry] of fields(file)) {
    if (number !== 14) continue;
    const { 1: name, 2: text } = Object.fromEntries(fields(entry));
    found[decode(name)] = text ? decode(text) : "";
  }
  return found;
}
