// The step of the guide that finds an MQTT broker, or takes its address, and tries it.
import { api } from "./api.js";
import { button, el, send } from "./parts.js";
import { t } from "./text.js";

/** @param answers gets "mqtt.url" and "mqtt.password_file"; @param now the setting of the address */
export function brokerStep(answers, now) {
  const field = (id, key, attributes) => {
    const input = el("input", { id, type: "text", autocomplete: "off", spellcheck: "false", oninput: take, ...attributes });
    return [input, el("div", { class: "row" }, el("label", { for: id }, t(key)), input)];
  };
  const parts = address(answers["mqtt.url"] ?? "");
  const [host, hostRow] = field("guide-url", "broker.url", { value: parts.url, placeholder: now.value || "mqtt://homeassistant.local" });
  const [user, userRow] = field("guide-user", "broker.user", { value: parts.user });
  const [password, passwordRow] = field("guide-password", "broker.password", { type: "password", autocomplete: "new-password", value: answers["mqtt.password_file"] ?? "" });
  const list = el("div", { role: "radiogroup", class: "choices", "aria-label": t("broker.found"), id: "guide-brokers" });
  const said = el("p", { id: "guide-broker-said", role: "status" });

  function take() {
    said.textContent = "";
    answers["mqtt.url"] = withUser(host.value.trim(), user.value.trim());
    answers["mqtt.password_file"] = password.value || null;
  }

  async function look() {
    said.textContent = t("broker.looking");
    try {
      const found = await api("api/brokers");
      list.replaceChildren(...found.brokers.map((one) => el("label", { class: "choice" },
        el("input", { type: "radio", name: "broker", value: one.url, onchange: () => { host.value = one.url; take(); } }),
        el("span", {}, one.name, el("br"), el("small", {}, one.url)))));
      said.textContent = found.trouble || t(found.brokers.length ? "broker.choose" : "broker.none");
    } catch (error) {
      said.textContent = error.message;
    }
  }

  async function test() {
    take();
    const url = answers["mqtt.url"];
    if (!url) {
      said.textContent = t("broker.no_url");
      return;
    }
    said.textContent = t("broker.testing");
    try {
      const { problem, kind } = await send("api/brokers/test", { url, password: password.value || null });
      said.textContent = problem ? `${problem}. ${t(`broker.${kind}`)}` : t("broker.ok");
      said.classList.toggle("bad", Boolean(problem));
    } catch (error) {
      said.textContent = error.message;
      said.classList.add("bad");
    }
  }

  return el("div", {}, el("div", { class: "controls" }, button(t("broker.look"), look, { id: "guide-look" })), list,
    hostRow, userRow, passwordRow, el("div", { class: "controls" }, button(t("broker.test"), test, { id: "guide-test" })), said);
}

/** An address with its user in it; without a scheme it is one of MQTT. */
function withUser(text, user) {
  if (!text) return null;
  const url = text.includes("://") ? text : `mqtt://${text}`;
  return user && !url.includes("@") ? url.replace("://", `://${encodeURIComponent(user)}@`) : url;
}

function address(url) {
  const found = url.match(/^(\w+:\/\/)([^@]*)@(.*)$/);
  return found ? { url: found[1] + found[3], user: decodeURIComponent(found[2]) } : { url, user: "" };
}
