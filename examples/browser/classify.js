// An exported model in the browser: from a picture to the scores of its classes.

import * as ort from "./node_modules/onnxruntime-web/dist/ort.wasm.min.mjs";
import { readMetadata } from "./metadata.js";

export class PortableModel {
  /** Load a file that `imgfeat export` wrote, and ask it what it was asked there. */
  static async load(address) {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`There is no ${address}: ${answer.status}.`);
    const model = new PortableModel();
    const file = new Uint8Array(await answer.arrayBuffer());
    model.about = readMetadata(file);
    model.classes = JSON.parse(model.about.classes);
    model.labels = JSON.parse(model.about.labels); // "unknown" too, of an OpenSet
    model.session = await ort.InferenceSession.create(file);
    model.output = model.session.outputNames[0];
    await model.checkGolden();
    return model;
  }

  /** Label pixels, RGB of 8 bits, row by row. */
  async predict(pixels, height, width) {
    const images = new ort.Tensor("uint8", pixels, [1, height, width, 3]);
    const found = await this.session.run({ images });
    const label = this.labels[Number(found.label.data[0])];
    return { label, scores: Array.from(found[this.output].data) };
  }

  async checkGolden() {
    const golden = JSON.parse(this.about.golden);
    const pixels = Uint8Array.from(atob(golden.images), (byte) => byte.charCodeAt(0));
    const [, height, width] = golden.shape;
    const { scores } = await this.predict(pixels, height, width);
    const expected = golden[this.output].flat();
    const off = Math.max(...scores.map((score, k) => Math.abs(score - expected[k])));
    if (!(off <= 1e-3 * Math.max(1, ...expected.map(Math.abs)))) {
      throw new Error(`This browser gives other answers: off by ${off}.`);
    }
  }
}

/** Pixels of a picture as it is stored: upright, RGB, white behind. */
export async function readPicture(blob) {
  const options = { colorSpaceConversion: "none", imageOrientation: "from-image" };
  const bitmap = await createImageBitmap(blob, options);
  const { height, width } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.fillStyle = "white";
  pen.fillRect(0, 0, width, height);
  pen.drawImage(bitmap, 0, 0);
  const { data } = pen.getImageData(0, 0, width, height);
  const pixels = new Uint8Array(3 * height * width);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    pixels[to++] = data[from];
    pixels[to++] = data[from + 1];
    pixels[to++] = data[from + 2];
  }
  return { pixels, height, width };
}
