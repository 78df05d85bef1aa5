// Words of the host page. ?lang=ru or en, else what was chosen before, else the browser's language.
const WORDS = {
  ru: {
    title: 'Ведущий звонка', loading: 'Загрузка…', all_chats: 'Все чаты', language: 'English', signout: 'Выйти',
    signin_hint: 'Войдите с учётной записью школы: той же, что в чатах.', user: 'Телефон, электронная почта или имя для входа',
    password: 'Пароль', signin: 'Войти', wrong_password: 'Не получилось войти. Проверьте телефон (или почту, имя) и пароль.',
    wait_signin: 'Слишком много попыток. Подождите минуту и попробуйте ещё раз.',
    expired: 'Вход устарел. Войдите ещё раз.', closed: 'Эта учётная запись школы закрыта. Спросите администратора школы.',
    rooms: 'Ваши чаты', rooms_hint: 'Выберите чат, в котором идёт звонок.', no_rooms: 'Вы пока не состоите ни в одном чате.', broadcasts: 'Трансляции: концерт или линейка для всей школы',
    live_now: 'идёт звонок', private_chat: 'Личный чат',
    open_call: 'Открыть звонок', everybody: 'Для всех', mute_all: 'Выключить все микрофоны', stop_cameras: 'Выключить все камеры',
    let_cameras: 'Разрешить всем камеры', stop_screen: 'Остановить показ экрана',
    self_unmute: 'Все могут включать микрофон сами', waiting_room: 'Входящие ждут, пока их впустят',
    locked: 'Никого больше не впускать', one_share: 'Экран показывает только один человек',
    hands: 'Поднятые руки', lower_hands: 'Опустить все руки', lower: 'Опустить руку', since: 'с {time}',
    waiting: 'Ждут входа', admit: 'Впустить', turn_away: 'Не впускать', admit_all: 'Впустить всех',
    people: 'В звонке: {count} из {limit}', find: 'Найти по имени', nobody: 'Такого имени в звонке нет.',
    word_hint: 'Микрофон ученика никто не включает за него: после «Дать слово» он включает его сам. В программе Element иногда нужно нажать два раза.',
    give_word: 'Дать слово', take_word: 'Забрать слово', mute: 'Выключить микрофон', more: 'Ещё',
    stop_camera: 'Выключить камеру', let_camera: 'Разрешить камеру', spotlight: 'Показать крупно', no_spotlight: 'Не показывать крупно',
    back: 'Отправить ждать', remove: 'Удалить из звонка', remove_sure: 'Удалить из звонка: {name}? Вернуться можно будет, только если вы впустите.',
    host: 'ведущий', you: 'это вы', mic_on: 'микрофон включён', mic_off: 'микрофон выключен', mic_held: 'микрофон закрыт ведущим',
    camera_on: 'камера включена', camera_held: 'камера закрыта ведущим', screen_on: 'показывает экран', large: 'показан крупно', hand_up: 'рука поднята',
    devices: 'устройств: {count}', participant: 'Участник',
    end_for_all: 'Закончить звонок для всех', end_sure: 'Закончить звонок для всех?',
    registers: 'Кто был на звонке', register_now: 'Скачать список (звонок идёт)', register: 'Скачать список: {from}–{to}',
    registers_hint: 'Таблица для Excel: имя, когда пришёл и ушёл, сколько минут был. Список хранится 12 часов.', register_file: 'Участники',
    no_call: 'Сейчас в этом чате не звонят.', not_host: 'Этот звонок ведёт классный руководитель, администрация или сотрудник, который его начал.',
    not_member: 'Вы не состоите в этом чате.', no_connection: 'Нет связи с сервером. Пробуем снова…', busy: 'Сервер звонков сейчас не отвечает. Пробуем снова…',
    broken: 'Страница не открылась. Обновите её.', connected: 'Звонок идёт.', done: 'Готово.',
    hand_of: 'Поднята рука: {name}', waits: 'Ждёт входа: {name}',
    gone: 'Этого человека или показа уже нет в звонке.', ended: 'Звонок уже закончен.', refused: 'Сервер не разрешил это ({why}).',
    not_lowered: 'Эту руку может опустить только сам участник.',
  },
  en: {
    title: 'Call host', loading: 'Loading…', all_chats: 'All chats', language: 'Русский', signout: 'Sign out',
    signin_hint: 'Sign in with your school account: the one you use for chats.', user: 'Phone, e-mail or sign-in name',
    password: 'Password', signin: 'Sign in', wrong_password: 'That did not work. Check the phone (or e-mail, name) and the password.',
    wait_signin: 'Too many attempts. Wait a minute and try again.',
    expired: 'You have been signed out. Please sign in again.', closed: 'This school account is closed. Ask the school’s administrator.',
    rooms: 'Your chats', rooms_hint: 'Choose the chat whose call you lead.', no_rooms: 'You are not in any chat yet.', broadcasts: 'Broadcasts: a concert or an assembly for the whole school',
    live_now: 'call under way', private_chat: 'Private chat',
    open_call: 'Open the call', everybody: 'For everybody', mute_all: 'Mute all microphones', stop_cameras: 'Turn all cameras off',
    let_cameras: 'Allow all cameras', stop_screen: 'Stop screen sharing',
    self_unmute: 'Everybody may unmute themselves', waiting_room: 'Newcomers wait until they are let in',
    locked: 'Let nobody else in', one_share: 'Only one person shares a screen',
    hands: 'Raised hands', lower_hands: 'Lower all hands', lower: 'Lower hand', since: 'since {time}',
    waiting: 'Waiting to come in', admit: 'Let in', turn_away: 'Turn away', admit_all: 'Let everybody in',
    people: 'In the call: {count} of {limit}', find: 'Find by name', nobody: 'Nobody of that name is in the call.',
    word_hint: 'Nobody unmutes a pupil from afar: after “Let speak” they do it themselves. In the Element app it sometimes takes two presses.',
    give_word: 'Let speak', take_word: 'Take the word back', mute: 'Mute', more: 'More',
    stop_camera: 'Turn camera off', let_camera: 'Allow camera', spotlight: 'Show large', no_spotlight: 'Do not show large',
    back: 'Send to wait', remove: 'Remove from the call', remove_sure: 'Remove {name} from the call? They come back only if you let them in.',
    host: 'host', you: 'you', mic_on: 'microphone on', mic_off: 'microphone off', mic_held: 'muted by the host',
    camera_on: 'camera on', camera_held: 'camera closed by the host', screen_on: 'shares a screen', large: 'shown large', hand_up: 'hand raised',
    devices: 'devices: {count}', participant: 'Participant',
    end_for_all: 'End the call for everybody', end_sure: 'End the call for everybody?',
    registers: 'Who was in the call', register_now: 'Download the list (call under way)', register: 'Download the list: {from}–{to}',
    registers_hint: 'A table for Excel: name, when they came and left, minutes. It is kept for 12 hours.', register_file: 'Participants',
    no_call: 'There is no call in this chat now.', not_host: 'This call is led by the class teacher, the administration, or the member of staff who began it.',
    not_member: 'You are not in this chat.', no_connection: 'No connection to the server. Trying again…', busy: 'The calls server does not answer now. Trying again…',
    broken: 'The page did not open. Reload it.', connected: 'The call is under way.', done: 'Done.',
    hand_of: 'Hand raised: {name}', waits: 'Waiting to come in: {name}',
    gone: 'That person or screen is no longer in the call.', ended: 'The call is over.', refused: 'The server did not allow it ({why}).',
    not_lowered: 'Only the participant can lower this hand.',
  },
};

export const $ = id => document.getElementById(id);

const asked = new URLSearchParams(location.search).get('lang') || localStorage.getItem('sferum-lang') || navigator.language || 'ru';
export const LANG = asked.slice(0, 2) === 'en' ? 'en' : 'ru';
if (new URLSearchParams(location.search).has('lang')) localStorage.setItem('sferum-lang', LANG);

/** The words of a key; {x} is values.x. */
export function word(key, values) {
  return WORDS[LANG][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export const clock = ms => new Date(ms).toLocaleTimeString(LANG, {hour: '2-digit', minute: '2-digit'});

/** Write a text only when it is another one: screen readers stay where they are. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The same for what is not shown now: writing `hidden` again is a change for whoever watches the page. */
export function hide(element, hidden) {
  if (element.hidden !== hidden) element.hidden = hidden;
}

/** The page's own texts. */
export function fill() {
  document.documentElement.lang = LANG;
  document.title = word('title');
  for (const one of document.querySelectorAll('[data-word]')) put(one, word(one.dataset.word));
  put($('language'), word('language'));
  $('language').lang = LANG === 'en' ? 'ru' : 'en';
  $('language').addEventListener('click', () => {
    localStorage.setItem('sferum-lang', LANG === 'en' ? 'ru' : 'en');
    if (location.search) location.assign(location.pathname + location.hash);
    else location.reload();
  });
}
