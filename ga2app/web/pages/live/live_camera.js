// The camera: a frame is sent when the answer to the one before has come, so none ever waits; those between are dropped.
const video = element.querySelector('video'), said = element.querySelector('[data-live-said]');
const answer = element.querySelector('[data-live-answer]'), canvas = document.createElement('canvas');
const stopButton = element.querySelector('[data-live-stop]'), recordButton = element.querySelector('[data-live-record]');
const OFF = 'The camera is off.';
let stream = null, key = '', side = 0, timer = 0, busy = false, recorder = null, recorded = null;

const say = text => { if (said.textContent !== text) said.textContent = text; };
// The bars stay and change: an element is made anew only where it is another.
function put(old, fresh) {
  if (old.nodeName !== fresh.nodeName) return old.replaceWith(fresh);
  if (old.nodeType !== Node.ELEMENT_NODE) return void (old.data = fresh.data);
  for (const {name, value} of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const before = [...old.childNodes], after = [...fresh.childNodes];
  if (before.length !== after.length) old.replaceChildren(...after);
  else after.forEach((one, place) => put(before[place], one));
}
function draw(html) {
  const fresh = answer.cloneNode(false);
  fresh.innerHTML = html;
  put(answer, fresh);
}
// The picture as the backbone reads it: no larger, and without what a camera or a codec would add.
function pixels() {
  const scale = Math.min(1, side / Math.min(video.videoWidth, video.videoHeight));
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  const paper = canvas.getContext('2d', {willReadFrequently: true});
  paper.imageSmoothingQuality = 'high';
  paper.drawImage(video, 0, 0, canvas.width, canvas.height);
  const {data} = paper.getImageData(0, 0, canvas.width, canvas.height), found = new Uint8Array(data.length / 4 * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    found[to++] = data[from]; found[to++] = data[from + 1]; found[to++] = data[from + 2];
  }
  return found;
}
function stop(text = OFF) {
  clearInterval(timer);
  if (key) fetch(`./live/${key}`, {method: 'DELETE', keepalive: true}).catch(() => {});
  if (recorder?.state === 'recording') recorder.stop();
  stream?.getTracks().forEach(track => track.stop());
  stream = video.srcObject = null;
  key = '';
  stopButton.disabled = recordButton.disabled = true;
  say(text);
}
async function send() {
  if (busy || !key) return;
  if (document.hidden) return say('Paused while this tab is in the background.');
  if (stream.getVideoTracks()[0].muted || !video.videoWidth) return say('The camera is paused: it sends no picture.');
  busy = true;
  const mine = key;
  try {
    const body = pixels(), size = `width=${canvas.width}&height=${canvas.height}`;
    const got = await fetch(`./live/${mine}?${size}`, {method: 'POST', body});
    if (mine !== key || got.status === 204) return;
    const told = await got.json();
    draw(told.html);
    if (told.over) stop();
    else say(recorder?.state === 'recording' ? 'Live, and recording.' : 'Live.');
  } catch (error) {
    if (mine === key) say('The studio does not answer; it is asked again.');
  } finally {
    busy = false;
  }
}
window.ga2Live = {
  // Asks for the camera: "ready", or the name of what is in the way.
  async camera() {
    stop();
    if (!navigator.mediaDevices) return 'insecure';
    try {
      stream = await navigator.mediaDevices.getUserMedia({video: {width: {ideal: 640}, height: {ideal: 480}}});
    } catch (error) {
      return error.name;
    }
    stream.getVideoTracks()[0].addEventListener('ended', () => stop('The camera was taken away: press Start again.'));
    video.srcObject = stream;
    video.play().catch(() => {});
    say('Getting ready…');
    return 'ready';
  },
  // Begins to send, as the studio has said; without a name of the camera it has refused.
  begin(told) {
    if (!told?.key || !stream) return stop();
    key = told.key;
    side = told.side_px;
    stopButton.disabled = false;
    recordButton.disabled = !window.MediaRecorder;
    timer = setInterval(send, told.every_ms);
    send();
  },
  recorded: () => recorded,
};
stopButton.addEventListener('click', () => stop());
window.addEventListener('pagehide', () => stop());
recordButton.addEventListener('click', () => {
  if (recorder?.state === 'recording') return recorder.stop();
  const parts = [];
  recorder = new MediaRecorder(stream);
  recorder.addEventListener('dataavailable', event => parts.push(event.data));
  recorder.addEventListener('stop', async () => {
    recordButton.textContent = 'Record';
    const type = recorder.mimeType.split(';')[0], name = `recorded.${type === 'video/mp4' ? 'mp4' : 'webm'}`;
    const form = new FormData();
    form.append('files', new Blob(parts, {type}), name);
    try {
      const got = await fetch('./gradio_api/upload', {method: 'POST', body: form});
      if (!got.ok) throw new Error(await got.text());
      const [path] = await got.json();
      recorded = {path, orig_name: name, meta: {_type: 'gradio.FileData'}};
      trigger('submit', {});
    } catch (error) {
      say(`The recording could not be kept (${error.message.slice(0, 200)}): record again.`);
    }
  });
  recorder.start();
  recordButton.textContent = 'Stop recording';
});
