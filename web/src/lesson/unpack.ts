// A recording as src/backtalk/apps/lab/lesson/packing.py packs it.

export interface Packed {
  format: number;
  version: string;
  deflated: string;
}

export interface Unpacked<Facts> {
  facts: Facts;
  arrays: Map<string, { shape: number[]; numbers: Float64Array | Uint8Array }>;
}

/** The bytes that were deflated and written in base64. */
export async function inflated(deflated: string): Promise<ArrayBuffer> {
  const packed = Uint8Array.from(atob(deflated), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return await new Response(stream).arrayBuffer();
}

export async function unpack<Facts>(deflated: string): Promise<Unpacked<Facts>> {
  const buffer = await inflated(deflated);
  const length = new DataView(buffer).getUint32(0, true);
  const { arrays: listed, ...facts } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))) as {
    arrays: { name: string; type: string; shape: number[] }[];
  };
  const arrays: Unpacked<Facts>["arrays"] = new Map();
  let offset = 4 + length;
  for (const { name, type, shape } of listed) {
    const count = shape.reduce((product, size) => product * size, 1);
    const bytes = new Uint8Array(buffer, offset, type === "uint8" ? count : 8 * count);
    arrays.set(name, { shape, numbers: type === "uint8" ? sums(bytes, count / shape[0]!) : doubles(bytes, count) });
    offset += bytes.length;
  }
  return { facts: facts as Facts, arrays };
}

/** float64 numbers, of which all first bytes come first. */
function doubles(bytes: Uint8Array, count: number): Float64Array {
  const found = new Uint8Array(8 * count);
  for (let byte = 0; byte < 8; byte++) for (let k = 0; k < count; k++) found[8 * k + byte] = bytes[byte * count + k]!;
  return new Float64Array(found.buffer);
}

/** Bytes, of which each is told as the difference from the one so many places before. */
function sums(bytes: Uint8Array, before: number): Uint8Array {
  for (let k = before; k < bytes.length; k++) bytes[k] = bytes[k]! + bytes[k - before]!;
  return bytes;
}
