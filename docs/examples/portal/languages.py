"""The parents' pages in four languages: what the pages say, and what the codes of portalcreds say on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import request, session

from portalcreds.texts import TextTable


@dataclass(frozen=True)
class Language:
    """
    A language.

    Attributes:
        code: As in the ``lang`` of a page.
        name: What its speakers call it.
        direction: ``ltr`` or ``rtl``.
        texts: What codes and outcomes say.
        words: What the pages say, by the English.
    """

    code: str
    name: str
    direction: str
    texts: TextTable
    words: Mapping[str, str]

    def say(self, english: str) -> str:
        """Return a text of the pages in this language."""
        return self.words.get(english, english)


def _arabic_form(n: int) -> int:
    if n < 3:
        return n
    return 3 if 3 <= n % 100 <= 10 else 4 if n % 100 >= 11 else 5


_GERMAN = {
    "SignInDenied": "Benutzername oder Passwort ist falsch.",
    "DefaultExpired": "Dieses Passwort der Schule ist abgelaufen. Bitten Sie die Schule um ein neues.",
    "PasswordChangeRequired": "Wählen Sie ein neues Passwort.",
    "PasswordChangeRequired.issued": "Die Schule hat Ihr Passwort gesetzt. Wählen Sie jetzt ein eigenes.",
    "TryLater.seconds": (
        "Zu viele Versuche. Versuchen Sie es in {seconds} Sekunde wieder.",
        "Zu viele Versuche. Versuchen Sie es in {seconds} Sekunden wieder.",
    ),
    "TryLater.minutes": (
        "Zu viele Versuche. Versuchen Sie es in {minutes} Minute wieder.",
        "Zu viele Versuche. Versuchen Sie es in {minutes} Minuten wieder.",
    ),
    "Unavailable": "Das geht im Moment nicht. Versuchen Sie es in ein paar Minuten wieder.",
    "PasswordChanged": "Ihr Passwort ist geändert. Melden Sie sich mit dem neuen an.",
    "PasswordRefused": "Dieses Passwort geht nicht.",
    "TicketInvalid": "Dieses Formular gilt nicht mehr. Melden Sie sich noch einmal an.",
    "Violation.empty": "Geben Sie ein Passwort ein.",
    "Violation.too_short": (
        "Nehmen Sie mindestens {minimum} Zeichen. Mehrere Wörter mit Leerzeichen sind erlaubt.",
        "Nehmen Sie mindestens {minimum} Zeichen. Mehrere Wörter mit Leerzeichen sind erlaubt.",
    ),
    "Violation.derivable_from_contact": "Nehmen Sie nichts, was jeder aus Ihrem Namen bilden kann.",
    "Violation.username": "Nehmen Sie nichts, was jeder aus Ihrem Benutzernamen bilden kann.",
    "Violation.common": "Fügen Sie Wörter hinzu: Passwörter, die viele haben, werden zuerst versucht.",
    "Violation.same_as_current": "Nehmen Sie ein anderes Passwort als jetzt.",
    "SignedIn": "Sie sind angemeldet.",
    "PasswordChangeRequired.compromised": "Andere kennen Ihr Passwort vielleicht. Wählen Sie ein neues.",
    "PasswordCompromised": "Andere kennen dieses Passwort vielleicht. Bitten Sie die Schule um eine Einladung.",
    "ClaimProofRefused": "Das ist nicht, was Sie von der Schule bekommen haben.",
    "Violation.control_character": "Lassen Sie Zeilenumbrüche, Tabulatoren und andere Steuerzeichen weg.",
    "Violation.surrogate": "Geben Sie das Passwort noch einmal ein: Ein Teil ist kein gültiger Text.",
    "Violation.unassigned_character": "Lassen Sie Zeichen weg, die dieses Portal noch nicht kennt.",
    "Violation.too_long": (
        "Nehmen Sie höchstens {maximum} Zeichen.",
        "Nehmen Sie höchstens {maximum} Zeichen.",
    ),
    "Violation.context_word": "Nehmen Sie nichts, was jeder aus dem Namen der Schule oder des Portals bilden kann.",
    "Violation.repetition": "Fügen Sie andere Wörter hinzu: Was sich wiederholt, zählt kaum.",
    "Violation.sequence": "Fügen Sie andere Wörter hinzu: Eine Reihe wie abcd oder 4321 zählt kaum.",
    "Violation.keyboard_walk": "Fügen Sie andere Wörter hinzu: Tasten, die nebeneinander liegen, zählen kaum.",
    "Violation.date": "Fügen Sie andere Wörter hinzu: Ein Datum oder ein Jahr zählt kaum.",
    "Violation.telephone_number": "Fügen Sie andere Wörter hinzu: Eine Telefonnummer zählt kaum.",
    "Violation.guessable": "Fügen Sie andere Wörter hinzu: Ein Programm würde dieses Passwort bald erraten.",
    "Violation.breached": "Nehmen Sie ein anderes: Dieses Passwort steht in einer Liste gestohlener Passwörter.",
    "Violation.breaches_unreachable": "Versuchen Sie es später: Ob es gestohlen wurde, lässt sich gerade nicht prüfen.",
}

_SPANISH = {
    "SignInDenied": "El usuario o la contraseña no es correcto.",
    "DefaultExpired": "La escuela puso esta contraseña y ya ha caducado. Pida a la escuela una nueva.",
    "PasswordChangeRequired": "Elija una contraseña nueva para continuar.",
    "PasswordChangeRequired.issued": "La escuela puso su contraseña. Elija ahora una propia.",
    "TryLater.seconds": (
        "Demasiados intentos. Inténtelo de nuevo en {seconds} segundo.",
        "Demasiados intentos. Inténtelo de nuevo en {seconds} segundos.",
    ),
    "TryLater.minutes": (
        "Demasiados intentos. Inténtelo de nuevo en {minutes} minuto.",
        "Demasiados intentos. Inténtelo de nuevo en {minutes} minutos.",
    ),
    "Unavailable": "Ahora mismo no funciona. Inténtelo de nuevo en unos minutos.",
    "PasswordChanged": "Su contraseña ha cambiado. Entre con la nueva.",
    "PasswordRefused": "Esta contraseña no se puede usar.",
    "TicketInvalid": "Este formulario ya no es válido. Entre otra vez.",
    "Violation.empty": "Escriba una contraseña.",
    "Violation.too_short": (
        "Use al menos {minimum} carácter. Puede usar varias palabras, con espacios.",
        "Use al menos {minimum} caracteres. Puede usar varias palabras, con espacios.",
    ),
    "Violation.derivable_from_contact": "Elija algo que nadie pueda formar con su nombre o su correo.",
    "Violation.username": "Elija algo que nadie pueda formar con su usuario.",
    "Violation.common": "Añada otras palabras: lo que mucha gente usa se prueba primero.",
    "Violation.same_as_current": "Elija una contraseña distinta de la actual.",
    "SignedIn": "Ha entrado.",
    "PasswordChangeRequired.compromised": "Quizá otros conozcan su contraseña. Elija una nueva.",
    "PasswordCompromised": "Quizá otros conozcan esta contraseña. Pida una invitación a la escuela.",
    "ClaimProofRefused": "Esto no es lo que le dio la escuela.",
    "Violation.control_character": "Quite los saltos de línea, tabuladores y otros caracteres de control.",
    "Violation.surrogate": "Escriba la contraseña otra vez: una parte no es texto válido.",
    "Violation.unassigned_character": "Quite los caracteres que este portal aún no conoce.",
    "Violation.too_long": (
        "Use como máximo {maximum} carácter.",
        "Use como máximo {maximum} caracteres.",
    ),
    "Violation.context_word": "Elija algo que nadie pueda formar con el nombre de la escuela o del portal.",
    "Violation.repetition": "Añada otras palabras: lo que se repite apenas cuenta.",
    "Violation.sequence": "Añada otras palabras: una serie como abcd o 4321 apenas cuenta.",
    "Violation.keyboard_walk": "Añada otras palabras: las teclas contiguas apenas cuentan.",
    "Violation.date": "Añada otras palabras: una fecha o un año apenas cuenta.",
    "Violation.telephone_number": "Añada otras palabras: un número de teléfono apenas cuenta.",
    "Violation.guessable": "Añada otras palabras: un programa adivinaría pronto esta contraseña.",
    "Violation.breached": "Elija otra cosa: esta contraseña está en una lista de contraseñas robadas.",
    "Violation.breaches_unreachable": "Inténtelo más tarde: ahora no se puede comprobar si esta contraseña fue robada.",
}

_ARABIC = {
    "SignInDenied": "اسم المستخدم أو كلمة المرور غير صحيحة.",
    "DefaultExpired": "وضعت المدرسة كلمة المرور هذه وقد انتهت صلاحيتها. اطلب من المدرسة كلمة جديدة.",
    "PasswordChangeRequired": "اختر كلمة مرور جديدة للمتابعة.",
    "PasswordChangeRequired.issued": "وضعت المدرسة كلمة مرورك. اختر الآن كلمة مرور خاصة بك.",
    "TryLater.seconds": (
        "محاولات كثيرة. حاول مرة أخرى الآن.",
        "محاولات كثيرة. حاول مرة أخرى بعد ثانية واحدة.",
        "محاولات كثيرة. حاول مرة أخرى بعد ثانيتين.",
        "محاولات كثيرة. حاول مرة أخرى بعد {seconds} ثوانٍ.",
        "محاولات كثيرة. حاول مرة أخرى بعد {seconds} ثانية.",
        "محاولات كثيرة. حاول مرة أخرى بعد {seconds} ثانية.",
    ),
    "TryLater.minutes": (
        "محاولات كثيرة. حاول مرة أخرى الآن.",
        "محاولات كثيرة. حاول مرة أخرى بعد دقيقة واحدة.",
        "محاولات كثيرة. حاول مرة أخرى بعد دقيقتين.",
        "محاولات كثيرة. حاول مرة أخرى بعد {minutes} دقائق.",
        "محاولات كثيرة. حاول مرة أخرى بعد {minutes} دقيقة.",
        "محاولات كثيرة. حاول مرة أخرى بعد {minutes} دقيقة.",
    ),
    "Unavailable": "لا يعمل هذا الآن. حاول مرة أخرى بعد بضع دقائق.",
    "PasswordChanged": "تم تغيير كلمة مرورك. سجّل الدخول بالكلمة الجديدة.",
    "PasswordRefused": "لا يمكن استخدام كلمة المرور هذه.",
    "TicketInvalid": "لم يعد هذا النموذج صالحًا. سجّل الدخول مرة أخرى.",
    "Violation.empty": "اكتب كلمة مرور.",
    "Violation.too_short": (
        "استخدم {minimum} حرفًا على الأقل. يمكنك استخدام عدة كلمات بينها مسافات.",
        "استخدم حرفًا واحدًا على الأقل.",
        "استخدم حرفين على الأقل.",
        "استخدم {minimum} أحرف على الأقل. يمكنك استخدام عدة كلمات بينها مسافات.",
        "استخدم {minimum} حرفًا على الأقل. يمكنك استخدام عدة كلمات بينها مسافات.",
        "استخدم {minimum} حرف على الأقل. يمكنك استخدام عدة كلمات بينها مسافات.",
    ),
    "Violation.derivable_from_contact": "اختر شيئًا لا يمكن لأحد أن يستنتجه من اسمك أو بريدك الإلكتروني.",
    "Violation.username": "اختر شيئًا لا يمكن لأحد أن يستنتجه من اسم المستخدم.",
    "Violation.common": "أضف كلمات أخرى: ما يستخدمه كثيرون يُجرَّب أولًا.",
    "Violation.same_as_current": "اختر كلمة مرور غير الحالية.",
    "SignedIn": "تم تسجيل دخولك.",
    "PasswordChangeRequired.compromised": "قد يعرف آخرون كلمة مرورك. اختر كلمة جديدة للمتابعة.",
    "PasswordCompromised": "قد يعرف آخرون كلمة المرور هذه. اطلب دعوة من المدرسة.",
    "ClaimProofRefused": "ليس هذا ما أعطتك إياه المدرسة.",
    "Violation.control_character": "احذف فواصل الأسطر وعلامات الجدولة وسائر رموز التحكم.",
    "Violation.surrogate": "اكتب كلمة مرورك مرة أخرى: جزء منها ليس نصًا صالحًا.",
    "Violation.unassigned_character": "احذف الرموز التي لا يعرفها هذا الموقع بعد.",
    "Violation.too_long": (
        "استخدم {maximum} حرفًا على الأكثر.",
        "استخدم حرفًا واحدًا على الأكثر.",
        "استخدم حرفين على الأكثر.",
        "استخدم {maximum} أحرف على الأكثر.",
        "استخدم {maximum} حرفًا على الأكثر.",
        "استخدم {maximum} حرف على الأكثر.",
    ),
    "Violation.context_word": "اختر شيئًا لا يمكن لأحد أن يستنتجه من اسم المدرسة أو اسم الموقع.",
    "Violation.repetition": "أضف كلمات أخرى: ما يتكرر لا يكاد يُحسب.",
    "Violation.sequence": "أضف كلمات أخرى: التسلسل مثل abcd أو 4321 لا يكاد يُحسب.",
    "Violation.keyboard_walk": "أضف كلمات أخرى: المفاتيح المتجاورة لا تكاد تُحسب.",
    "Violation.date": "أضف كلمات أخرى: التاريخ أو السنة لا يكاد يُحسب.",
    "Violation.telephone_number": "أضف كلمات أخرى: رقم الهاتف لا يكاد يُحسب.",
    "Violation.guessable": "أضف كلمات أخرى: يستطيع برنامج أن يخمّن كلمة المرور هذه سريعًا.",
    "Violation.breached": "اختر شيئًا آخر: كلمة المرور هذه في قائمة كلمات مسروقة.",
    "Violation.breaches_unreachable": "حاول لاحقًا: لا يمكن الآن التحقق مما إذا كانت كلمة المرور هذه مسروقة.",
}

_WORDS = {
    "Parent portal": ("Elternportal", "Portal de padres", "بوابة أولياء الأمور"),
    "Language": ("Sprache", "Idioma", "اللغة"),
    "Sign in": ("Anmelden", "Entrar", "تسجيل الدخول"),
    "Sign out": ("Abmelden", "Salir", "تسجيل الخروج"),
    "User name": ("Benutzername", "Usuario", "اسم المستخدم"),
    "Password": ("Passwort", "Contraseña", "كلمة المرور"),
    "New password": ("Neues Passwort", "Contraseña nueva", "كلمة المرور الجديدة"),
    "Current password": ("Jetziges Passwort", "Contraseña actual", "كلمة المرور الحالية"),
    "Choose a password": ("Passwort wählen", "Elegir contraseña", "اختيار كلمة مرور"),
    "Change password": ("Passwort ändern", "Cambiar contraseña", "تغيير كلمة المرور"),
    "The school invites you to choose a password.": (
        "Die Schule lädt Sie ein, ein Passwort zu wählen.",
        "La escuela le invita a elegir una contraseña.",
        "تدعوك المدرسة إلى اختيار كلمة مرور.",
    ),
    "Allow scripts for this page, and open the address again.": (
        "Erlauben Sie dieser Seite Skripte, und öffnen Sie die Adresse noch einmal.",
        "Permita los scripts en esta página y abra la dirección otra vez.",
        "اسمح بالبرامج النصية لهذه الصفحة، ثم افتح العنوان مرة أخرى.",
    ),
    "The current password is wrong.": (
        "Das jetzige Passwort ist falsch.",
        "La contraseña actual no es correcta.",
        "كلمة المرور الحالية غير صحيحة.",
    ),
    "Show the password": ("Passwort zeigen", "Mostrar la contraseña", "إظهار كلمة المرور"),
    "You are signed in as": ("Angemeldet als", "Ha entrado como", "تم تسجيل دخولك باسم"),
    "Forgot your user name or password? The school office helps.": (
        "Benutzername oder Passwort vergessen? Das Schulbüro hilft.",
        "¿Olvidó su usuario o su contraseña? La oficina de la escuela le ayuda.",
        "هل نسيت اسم المستخدم أو كلمة المرور؟ مكتب المدرسة يساعدك.",
    ),
    "At least 15 characters. A few words with spaces are easy to remember.": (
        "Mindestens 15 Zeichen. Ein paar Wörter mit Leerzeichen merken sich leicht.",
        "Al menos 15 caracteres. Unas palabras con espacios se recuerdan bien.",
        "15 حرفًا على الأقل. من السهل تذكّر بضع كلمات بينها مسافات.",
    ),
    "Your password was set or changed, so you were signed out. Sign in again.": (
        "Ihr Passwort wurde gesetzt oder geändert; Sie sind abgemeldet. Melden Sie sich wieder an.",
        "Su contraseña cambió y su sesión terminó. Entre otra vez.",
        "تم تغيير كلمة مرورك فانتهت جلستك. سجّل الدخول مرة أخرى.",
    ),
    "Your password is changed. You stay signed in here, and nowhere else.": (
        "Ihr Passwort ist geändert. Sie bleiben hier angemeldet, und nirgends sonst.",
        "Su contraseña ha cambiado. Sigue conectado aquí y en ningún otro lugar.",
        "تم تغيير كلمة مرورك. تبقى مسجّلًا هنا فقط.",
    ),
}


def _words(column: int) -> dict[str, str]:
    return {english: told[column] for english, told in _WORDS.items()}


LANGUAGES = {
    each.code: each
    for each in (
        Language("en", "English", "ltr", TextTable({}), {}),
        Language("de", "Deutsch", "ltr", TextTable(_GERMAN), _words(0)),
        Language("es", "Español", "ltr", TextTable(_SPANISH), _words(1)),
        Language("ar", "العربية", "rtl", TextTable(_ARABIC, plural_form=_arabic_form), _words(2)),
    )
}


def current_language() -> Language:
    """Return the language of the request: the chosen one, or the first of the browser's that is there."""
    if request.args.get("lang") in LANGUAGES:
        session["lang"] = request.args["lang"]
    code = session.get("lang") or request.accept_languages.best_match(LANGUAGES) or "en"
    return LANGUAGES[code]
