"use strict";
{
  const links = [...document.querySelectorAll("nav li a")];
  const sections = [...document.querySelectorAll("main section")];
  const choose = (number) => {
    if (!sections.length) return;
    const at = Math.min(Math.max(number, 0), sections.length - 1);
    links.forEach((link, i) => link.classList.toggle("chosen", i === at));
    sections.forEach((section, i) => section.classList.toggle("chosen", i === at));
    links[at].scrollIntoView({ block: "nearest" });
    if (location.hash !== links[at].hash) history.replaceState(null, "", links[at].hash);
    window.scrollTo(0, 0);
  };
  const chosen = () => links.findIndex((link) => link.classList.contains("chosen"));
  const named = () => links.findIndex((link) => link.hash === location.hash);
  document.body.classList.add("walk");
  links.forEach((link, i) =>
    link.addEventListener("click", (event) => {
      event.preventDefault();
      choose(i);
    }),
  );
  document.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    choose(chosen() + step);
  });
  window.addEventListener("hashchange", () => choose(named()));
  choose(named());
}
