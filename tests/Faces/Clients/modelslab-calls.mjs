// The calls of the npm package modelslab 1.4.0, for registries that do not have it: the same addresses, headers, bodies,
// polls and errors. modelslab.mjs runs on either.
class Calls {
  constructor(key, group) {
    this.key = key;
    this.group = group;
    this.baseUrl = undefined;
    this.fetchTimeout = 2;
  }

  async post(url, body) {
    const answer = await fetch(url, {
      method: "POST",
      headers: { Authorization: `Bearer ${this.key}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const json = JSON.parse((await answer.text()) || "{}");
    if (!answer.ok) {
      throw new Error(json.message || `status ${answer.status}`);
    }
    return json;
  }

  async fetch(id) {
    for (let attempt = 0; attempt < 10; attempt++) {
      const answer = await this.post(`${this.baseUrl}fetch/${id}`, { key: this.key });
      if (answer.status === "success") {
        return answer;
      }
      await new Promise((done) => setTimeout(done, this.fetchTimeout * 1000));
    }
    return { status: "error" };
  }
}

const operation = (name) => function (body) { return this.post(this.baseUrl + name, body); };

export class Community extends Calls {}
Community.prototype.textToImage = operation("text2img");
Community.prototype.imageToImage = operation("img2img");
Community.prototype.inpainting = operation("inpaint");
Community.prototype.systemDetails = function () { return this.post(`${this.baseUrl}system_details`, { key: this.key }); };
Community.prototype.clearQueue = function () { return this.post(`${this.baseUrl}clear_queue`, { key: this.key }); };

export class ImageEditing extends Calls {}
ImageEditing.prototype.superResolution = operation("super_resolution");
ImageEditing.prototype.outpainting = operation("outpaint");

export class Realtime extends Calls {}
Realtime.prototype.textToImage = operation("text2img");

export class Video extends Calls {}
Video.prototype.textToVideo = operation("text2video");
