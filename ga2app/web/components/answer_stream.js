// An answer to a press waits until the page has left the stream that the server has closed meanwhile: else the page takes
// it for open and follows none (answer_stream.py). Streams are numbered here; the server names the last that it closed.
(() => {
  const plainly = window.fetch, LEAVES_MS = 5000;
  let number = 0, leaving = Promise.resolve();
  window.fetch = async (asked, settings) => {
    const { pathname } = new URL(asked.url ?? asked, location.href);
    if (pathname.endsWith('/queue/data')) {
      const request = new Request(asked, settings);
      request.headers.set('X-Answer-Stream', number += 1);
      leaving = new Promise(left => request.signal.addEventListener('abort', left));
      return plainly(request);
    }
    const answer = await plainly(asked, settings);
    if (pathname.endsWith('/queue/join') && Number(answer.headers.get('X-Closed-Stream')) >= number)
      await Promise.race([leaving, new Promise(late => setTimeout(late, LEAVES_MS))]);
    return answer;
  };
})();
