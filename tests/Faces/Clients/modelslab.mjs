// What a program does with the npm package modelslab; prints what it saw as one JSON object.
const sdk = await import(process.env.MODELSLAB_SDK || "./modelslab-calls.mjs");
const { Community, ImageEditing, Realtime, Video } = sdk.default ?? sdk;
const base = process.env.MODELSLAB_URL;
const key = process.env.MODELSLAB_KEY;

// The package has its service's address built in; its instances are pointed elsewhere
const at = (instance, path) => Object.assign(instance, { baseUrl: `${base}/api/${path}/` });
const community = at(new Community(key), "v6/images");
const enterprise = at(new Community(key, true), "v1/enterprise/images");
const editing = at(new ImageEditing(key), "v6/image_editing");
const realtime = at(new Realtime(key), "v6/realtime");
const video = at(new Video(key), "v6/video");

const size = { width: 256, height: 256, num_inference_steps: 3, guidance_scale: 4, samples: 1 };
const done = async (api, answer) => (answer.status === "processing" ? await api.fetch(`${answer.id}`) : answer);
const refused = async (call) => {
  try {
    await call();
    return null;
  } catch (error) {
    return error.message;
  }
};

const first = await done(community, await community.textToImage({ model_id: "flux", prompt: "a red apple", safety_checker: "yes", enhance_prompt: "yes", ...size }));
const picture = first.output[0];
const seen = {
  first: { status: first.status, id: first.id, outputs: first.output.length, seed: first.meta.seed },
  fetched: (await community.fetch(`${first.id}`)).status,
  type: (await fetch(picture)).headers.get("content-type"),
  image: (await done(community, await community.imageToImage({ key, model_id: "flux", prompt: "a green apple", init_image: picture, strength: 0.5, ...size }))).status,
  inpaint: (await done(community, await community.inpainting({ key, model_id: "flux", prompt: "a leaf", init_image: picture, mask_image: picture, ...size }))).status,
  enlarged: (await done(editing, await editing.superResolution({ key, init_image: picture, scale: 2 }))).status,
  outpainted: (await done(editing, await editing.outpainting({ key, image: picture, width: 320, height: 256, num_inference_steps: 3 }))).status,
  realtime: (await done(realtime, await realtime.textToImage({ key, prompt: "a dog", ...size }))).status,
  video: (await done(video, await video.textToVideo({ key, model_id: "cogvideox", prompt: "a ball", num_frames: 4, num_inference_steps: 2, width: 256, height: 256 }))).status,
  details: (await enterprise.systemDetails()).status,
  cleared: (await enterprise.clearQueue()).status,
  no_prompt: await refused(() => community.textToImage({ key, model_id: "flux" })),
  no_key: await refused(() => at(new Community("nonsense"), "v6/images").textToImage({ model_id: "flux", prompt: "a" })),
};
console.log(JSON.stringify(seen));
