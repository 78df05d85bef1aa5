// Hands and questions: says when there are new ones. Nothing moves by itself under a host's finger.
const $ = id => document.getElementById(id);
//: Milliseconds between two looks.
const LOOK = 10000;
const newer = $('newer');

async function look() {
  try {
    const answer = await fetch(location.pathname, {headers: {Accept: 'application/json'}});
    const found = await answer.json();
    // The number of the newest: what was put away meanwhile does not hide what has come.
    if (answer.ok && found.newest > Number(newer.dataset.newest)) newer.hidden = false;
  } catch (error) { /* the next look */ }
}

if (newer) setInterval(() => { if (!document.hidden && newer.hidden) look(); }, LOOK);
