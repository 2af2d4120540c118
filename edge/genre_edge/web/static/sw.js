// Keeps the files of the page, so that it opens without a connection. What the service answers is
// never kept. While the service can be reached, its files are used, and not those that are kept.
// Other pages of the same site, those of Home Assistant say, have caches of their own there.
const OURS = `genre-edge@${registration.scope} `;
const VERSION = `${OURS}@VERSION@`;
const FILES = ["@FILES@"];
const NEVER = /^(api\/|healthz$|metrics$)/;
const within = (url) => url.href.slice(registration.scope.length).replace(/[?#].*/, "");

self.addEventListener("install", (event) => {
  const keep = async () => (await caches.open(VERSION)).addAll(FILES);
  event.waitUntil(keep().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) if (name.startsWith(OURS) && name !== VERSION) await caches.delete(name);
  };
  event.waitUntil(tidy());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin || NEVER.test(within(url))) return;
  const kept = async () => (await (await caches.open(VERSION)).match(request, { ignoreSearch: true })) ?? Response.error();
  event.respondWith(fetch(request).catch(kept));
});
