/**
 * The page's only script: while a pointer is over the release curve, the legend shows each curve's
 * share at that moment. Everything on the page can be read without it.
 */
export const SCRIPT = `
'use strict';
const curves = JSON.parse(document.getElementById('curves').textContent);
const plot = document.querySelector('.plot');
const cursor = plot.querySelector('.cursor');
const moment = document.querySelector('.moment output');
const shares = document.querySelectorAll('[data-curve]');
function shareAt(points, seconds) {
  let share = 0;
  for (const point of points) if (point[0] <= seconds) share = point[1];
  return share;
}
function clock(seconds) {
  const two = (value) => String(value).padStart(2, '0');
  const whole = Math.round(seconds);
  if (whole < 60) return seconds.toFixed(1) + ' s';
  if (whole < 3600) return Math.floor(whole / 60) + ' min ' + two(whole % 60) + ' s';
  const minutes = Math.round(whole / 60);
  return Math.floor(minutes / 60) + ' h ' + two(minutes % 60) + ' min';
}
plot.addEventListener('pointermove', (event) => {
  const box = plot.getBoundingClientRect();
  const x = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  const seconds = x * Number(plot.dataset.max);
  cursor.setAttribute('x1', x * 100 + '%');
  cursor.setAttribute('x2', x * 100 + '%');
  cursor.setAttribute('visibility', 'visible');
  moment.textContent = 'at ' + clock(seconds);
  curves.forEach((points, index) => {
    shares[index].textContent = (shareAt(points, seconds) * 100).toFixed(0) + ' %';
  });
});
plot.addEventListener('pointerleave', () => {
  cursor.setAttribute('visibility', 'hidden');
  for (const output of document.querySelectorAll('.legend output')) output.textContent = '';
});
`;
