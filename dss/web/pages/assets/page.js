// What forms and links cannot do: to hear of a change at once, to draw a code each second, and passkeys.

const RELOAD_MS = 20000;
const TURN_MS = 1000;

const reload = () => location.reload();

// A stream tells that something has changed; where there is none, the page is loaded anew, seldom enough to be read.
for (const watching of document.querySelectorAll("[data-events]")) {
  const stream = new EventSource(watching.dataset.events);
  stream.addEventListener("change", () => {
    stream.close();
    reload();
  });
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) setTimeout(reload, RELOAD_MS);
  });
}

// The next picture comes a second after the last one. Where there is none any more, the page tells why; it is loaded
// anew only once the server answers, as a browser's own page of a failure would stay.
for (const picture of document.querySelectorAll("img[data-turning]")) {
  const address = picture.src;
  let turn = 0;
  let timer = 0;
  const next = () => {
    turn += 1;
    clearTimeout(timer);
    timer = setTimeout(() => { picture.src = `${address}${address.includes("?") ? "&" : "?"}n=${turn}`; }, TURN_MS);
  };
  picture.addEventListener("load", next);
  const look = () => fetch(address).then(reload, () => setTimeout(look, TURN_MS));
  picture.addEventListener("error", () => setTimeout(look, TURN_MS));
  if (picture.complete) next();
}

// What was seen long enough goes on to where the link leads.
for (const link of document.querySelectorAll("a[data-go-on-after]")) {
  setTimeout(() => location.assign(link.href), Number(link.dataset.goOnAfter) * 1000);
}

const ceremonies = {
  create: (options) => navigator.credentials.create({
    publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
  }),
  get: (options) => navigator.credentials.get({
    publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
  }),
};

// The button begins the ceremony; its outcome is sent as a form like any other.
for (const form of document.querySelectorAll("form[data-passkey]")) {
  const failed = form.querySelector("[data-failed]");
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    failed.hidden = true;
    try {
      const made = await ceremonies[form.dataset.passkey](JSON.parse(form.dataset.options));
      form.elements.passkey.value = JSON.stringify(made.toJSON());
      form.submit();
    } catch {
      failed.hidden = false;
    }
  });
}
