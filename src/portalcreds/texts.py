"""
Say what a code or an outcome means, in English or in your language.

`ENGLISH` is the one catalogue: every text for people that this package has, by a key that does not change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from .exceptions import ConfigurationError

ENGLISH: Final[Mapping[str, str | tuple[str, str]]] = {
    # -- signing in
    "SignedIn": "You are signed in.",
    "SignInDenied": "The user name or the password is wrong.",
    "DefaultExpired": "This password was set by the school and has expired. Ask the school to set it again.",
    "PasswordChangeRequired": "Choose a new password to go on.",
    "PasswordChangeRequired.issued": "Your password was set by the school. Choose one of your own to go on.",
    "PasswordChangeRequired.compromised": "Others may know your password. Choose a new one to go on.",
    "TryLater.seconds": (
        "There were too many attempts. Try again in {seconds} second.",
        "There were too many attempts. Try again in {seconds} seconds.",
    ),
    "TryLater.minutes": (
        "There were too many attempts. Try again in {minutes} minute.",
        "There were too many attempts. Try again in {minutes} minutes.",
    ),
    "Unavailable": "This does not work at the moment. Try again in a few minutes.",
    "PasswordChanged": "Your password is changed. Sign in with the new one.",
    "PasswordRefused": "This password cannot be used.",
    "PasswordCompromised": "Others may know this password. Ask the school for an invitation.",
    "ClaimProofRefused": "This is not what the school gave you.",
    "TicketInvalid": "This form is no longer valid. Sign in again.",
    # -- what is wrong with a chosen password
    "Violation.empty": "Type a password.",
    "Violation.control_character": "Leave out line breaks, tabs and other control characters.",
    "Violation.surrogate": "Type your password again: a part of it is not valid text.",
    "Violation.unassigned_character": "Leave out the characters that this portal does not know yet.",
    "Violation.too_short": (
        "Use at least {minimum} character. You may use several words, with spaces.",
        "Use at least {minimum} characters. You may use several words, with spaces.",
    ),
    "Violation.too_long": ("Use at most {maximum} character.", "Use at most {maximum} characters."),
    "Violation.derivable_from_contact": (
        "Choose something that nobody can make from your name or your e-mail address."
    ),
    "Violation.username": "Choose something that nobody can make from your user name.",
    "Violation.context_word": "Choose something that nobody can make from the names of your school and this portal.",
    "Violation.common": "Add other words: passwords that many people use are tried first.",
    "Violation.repetition": "Add other words: what is repeated hardly counts.",
    "Violation.sequence": "Add other words: a row such as abcd, 4321 or one two three hardly counts.",
    "Violation.keyboard_walk": "Add other words: keys that lie beside each other hardly count.",
    "Violation.date": "Add other words: a date or year hardly counts.",
    "Violation.telephone_number": "Add other words: a telephone number hardly counts.",
    "Violation.same_as_current": "Choose a password that is not the one you have now.",
    "Violation.guessable": "Add other words: a program would guess this password soon.",
    "Violation.breached": "Choose something else: this password is in a list of stolen ones.",
    "Violation.breaches_unreachable": "Try again later: whether this password was stolen cannot be checked now.",
    # -- an account
    "AccountStatus.never_issued": "No password yet",
    "AccountStatus.default_live": "Default password set",
    "AccountStatus.default_expired": "Default password expired",
    "AccountStatus.self_chosen": "Own password",
    "AccountStatus.change_required": "Has to choose a new password",
    "AccountStatus.imported": "Password of the old system",
    "AccountStatus.disabled": "Disabled",
    "CredentialOrigin.none": "No password",
    "CredentialOrigin.issued": "Set by the school",
    "CredentialOrigin.chosen": "Chosen by the contact",
    "CredentialOrigin.imported": "From the old system",
    "AccountOrder.name": "Name",
    "AccountOrder.expiry": "Default expires",
    "AccountOrder.last_sign_in": "Last sign-in",
    "Privilege.view_usernames": "See user names",
    "Privilege.set_one": "Set the password of one contact",
    "Privilege.set_many": "Set the passwords of many contacts",
    "Privilege.invite": "Invite contacts to choose a password",
    "Privilege.find_defaults": "Find contacts who still have a default",
    "Privilege.reveal": "See passwords that are set",
    "Privilege.require_change": "Have contacts choose a new password",
    "Privilege.unlock": "Unlock accounts",
    "Privilege.disable": "Disable and enable accounts",
    "Privilege.rename": "Change user names",
    "Privilege.sync": "Take contacts over from the SIS",
    "Privilege.erase": "Erase the data of contacts",
    "Privilege.import": "Import passwords of the old system",
    "Privilege.move": "Move accounts to other contacts",
    "Privilege.end_sessions": "Sign contacts out",
    # -- setting passwords: the message that is confirmed with OK
    "Confirmation.confirm_set_one": "Set the password of {name} (user name {username}) to the default?",
    "Confirmation.confirm_set_one.no_username": "Set the password of {name} to the default?",
    "Confirmation.confirm_set_many": (
        "Set the passwords of {set} of {total} contact to the default?",
        "Set the passwords of {set} of {total} contacts to the default?",
    ),
    "Confirmation.confirm_invite_one": "Invite {name} (user name {username}) to choose a password?",
    "Confirmation.confirm_invite_one.no_username": "Invite {name} to choose a password?",
    "Confirmation.confirm_invite_many": (
        "Invite {set} of {total} contact to choose a password?",
        "Invite {set} of {total} contacts to choose a password?",
    ),
    "Confirmation.nothing_to_set": "There is nobody to do this for.",
    "Confirmation.nobody_selected": "Nobody is selected.",
    "Confirmation.works_days": (
        "The default works for {days} day and must be changed at the next sign-in.",
        "The default works for {days} days and must be changed at the next sign-in.",
    ),
    "Confirmation.works_hours": (
        "The default works for {hours} hour and must be changed at the next sign-in.",
        "The default works for {hours} hours and must be changed at the next sign-in.",
    ),
    "Confirmation.works_minutes": (
        "The default works for {minutes} minute and must be changed at the next sign-in.",
        "The default works for {minutes} minutes and must be changed at the next sign-in.",
    ),
    "Confirmation.works_until": "The default works until {until} and must be changed at the next sign-in.",
    "Confirmation.invitation_works_days": (
        "The invitation works once, for {days} day. Until it is used, no password signs in.",
        "The invitation works once, for {days} days. Until it is used, no password signs in.",
    ),
    "Confirmation.invitation_works_hours": (
        "The invitation works once, for {hours} hour. Until it is used, no password signs in.",
        "The invitation works once, for {hours} hours. Until it is used, no password signs in.",
    ),
    "Confirmation.invitation_works_minutes": (
        "The invitation works once, for {minutes} minute. Until it is used, no password signs in.",
        "The invitation works once, for {minutes} minutes. Until it is used, no password signs in.",
    ),
    "Confirmation.invitation_works_until": (
        "The invitation works once, until {until}. Before it is used, no password signs in."
    ),
    "Confirmation.reveals_one": "It will be shown once, now.",
    "Confirmation.reveals_many": "The passwords will be shown once, now.",
    "Confirmation.replaces_own": "The password that the contact chose will stop working.",
    "Confirmation.replaces_chosen": (
        "{count} of them chose a password, which will stop working.",
        "{count} of them chose a password, which will stop working.",
    ),
    "Confirmation.replaces_live_default": (
        "{count} of them has a default or an invitation that works, which will stop working.",
        "{count} of them have a default or an invitation that works, which will stop working.",
    ),
    "Confirmation.skipped": "Skipped: {skipped}.",
    "Confirmation.cannot": "Cannot be set: {cannot}.",
    "Confirmation.cannot_invite": "Cannot be invited: {cannot}.",
    "PlanChanged": "Something changed since you looked. Look again, and press OK once more.",
    # -- setting passwords: each contact
    "Decision.will_set": "Will be set",
    "Decision.skip": "Skipped",
    "Decision.cannot": "Cannot be set",
    "DecisionReason.chose_own": "Chose a password, which is kept.",
    "DecisionReason.disabled": "The account is disabled. Enable it first.",
    "DecisionReason.changed_meanwhile": "The password changed meanwhile. Look again.",
    "DecisionReason.no_account": "There is no account. Take the contact over from the SIS first.",
    "DecisionReason.erased": "The contact's data was erased.",
    "DecisionReason.no_username": "There is no user name. Give the account one first.",
    "DecisionReason.not_permitted": "You may not do this for this contact.",
    "DecisionReason.reveal_not_permitted": "You may not see this password.",
    "DecisionReason.strategy_failed": "No default could be made for this contact. Tell whoever runs the portal.",
    "DecisionReason.not_derivable": "No default can be made of the name. Correct it in the SIS.",
    "DecisionReason.expiry_passed": "It would have expired already. Start again.",
    "DecisionReason.kept_changing": "Others kept changing the account. Run the job again.",
    "DecisionReason.store_unavailable": "The database could not be reached. Run the job again.",
    "DecisionReason.store_refused": "The database refused the change. Tell whoever runs the portal.",
    "DecisionReason.hashing_unavailable": "The computer was short of memory. Run the job again.",
    "ResetOutcome.set": "Set",
    "ResetOutcome.undelivered": "Set, but what was drawn was not shown. Set it again.",
    "ResetOutcome.skipped": "Skipped",
    "ResetOutcome.cannot": "Cannot be set",
    "ResetOutcome.failed": "Failed",
    "ResetOutcome.not_reached": "Not reached",
    "ResetWarning.replaces_chosen": "Replaces a password that the contact chose",
    "ResetWarning.replaces_live_default": "Replaces a default or an invitation that still works",
    "ResetWarning.default_of_old_name": "The default that works now is made of an earlier name",
    "ResetWarning.username_gives_default_away": "The user name tells the default password",
    "ResetWarning.no_claim_proof": "The contact has nothing that the form for a new password will ask for",
    "ResetWarning.name_changed": "The name changed meanwhile; this is the new one",
    "ResetWarning.username_changed": "The user name changed meanwhile; this is the new one",
    "ResetWarning.limits_not_lifted": "After wrong passwords the contact may have to wait a while",
    "DefaultWarning.outer_blanks_removed": "Blanks around the name are not in the password",
    "DefaultWarning.contains_space": "There is a space in the password",
    "DefaultWarning.unusual_space": "There is an unusual space in the password",
    "DefaultWarning.typographic_apostrophe": "The apostrophe is not the one of the keyboard",
    "DefaultWarning.typographic_hyphen": "The hyphen is not the one of the keyboard",
    "DefaultWarning.invisible_character": "There is a character in the password that nobody sees",
    "DefaultWarning.damaged_text": "The name looks damaged. Correct it in the SIS",
    "DefaultWarning.emoji": "There is a symbol or an emoji in the password",
    "DefaultWarning.non_latin_script": "There are letters that not every keyboard has",
    # -- letters: each contact
    "LetterOutcome.written": "Written",
    "LetterOutcome.refused": "No letter",
    "LetterReason.no_account": "There is no account. Take the contact over from the SIS first.",
    "LetterReason.store_refused": "The row in the database is damaged. Tell whoever runs the portal.",
    "LetterReason.not_permitted": "You may not see this password.",
    "LetterReason.erased": "The contact's data was erased.",
    "LetterReason.disabled": "The account is disabled. Enable it first.",
    "LetterReason.no_username": "There is no user name. Give the account one first.",
    "LetterReason.no_password": "No password is set yet. Set one first.",
    "LetterReason.chose_own": "Chose a password, which only the contact knows.",
    "LetterReason.imported": "Has the password of the old system, which nobody here knows.",
    "LetterReason.invited": "Was invited, and this is not the invitation that works. Invite again.",
    "LetterReason.expired": "The password has expired. Set it again.",
    "LetterReason.drawn": "The password was drawn, and shown once. Set it again.",
    "LetterReason.other_strategy": "The password was made by another rule. Set it again.",
    "LetterReason.not_derivable": "No default can be made of the name. Correct it in the SIS.",
    "LetterReason.strategy_failed": "No default could be made for this contact. Tell whoever runs the portal.",
    "LetterReason.name_changed": "The password is made of an earlier name. Set it again.",
    "LetterReason.other_password": "The password that is set is another one. Set it again.",
    "LetterReason.not_verified": "The password cannot be verified. Tell whoever runs the portal.",
    # -- letters: what the family reads
    "LetterText.title": "Your way into the parent portal",
    "LetterText.intro": "Sign in with this user name and this password. Then you choose your own password.",
    "LetterText.intro_invitation": "Open this address. There you choose your own password, and with it you sign in.",
    "LetterText.address": "Address",
    "LetterText.username": "User name",
    "LetterText.password": "Password",
    "LetterText.code": "Letter code",
    "LetterText.code_use": "You are asked for it when you choose your own password.",
    "LetterText.scan": "Scan to open",
    "LetterText.until": "It works until {until}.",
    "LetterText.keep": "Show it to nobody.",
    "LetterText.help": "If you cannot sign in, the school office helps.",
    "LetterText.capitals": (
        "Capital letter: {letters}. All others are small.",
        "Capital letters: {letters}. All others are small.",
    ),
    "LetterText.capitals_only": "All letters are capitals.",
    "LetterText.small_only": "All letters are small.",
    "LetterText.blanks": ("{mark} is a space, once.", "{mark} is a space, {count} times."),
    "LetterText.zero": "0 is the digit zero.",
    "LetterText.capital_o": "O is a capital o.",
    "LetterText.one": "1 is the digit one.",
    "LetterText.small_l": "l is a small L.",
    "LetterText.capital_i": "I is a capital i.",
    "LetterText.apostrophe": "' is the straight apostrophe.",
    "LetterText.accents": "With the accents: {letters}",
    "LetterText.unusual": "Not on every keyboard: {characters}",
    "LetterText.unseen": "{mark} is a character that nobody sees: {characters}",
    # -- letters: what the office reads on the screen
    "LetterText.count": ("{count} letter to print.", "{count} letters to print."),
    "LetterText.refused": ("{count} contact has no letter:", "{count} contacts have no letter:"),
    # -- finding defaults
    "UntriedReason.hash_unknown": "Nothing here verifies this kind of password",
    "UntriedReason.hash_too_long": "The stored password is too long",
    "UntriedReason.hash_refused": "The stored password is malformed or costs too much to verify",
    "UntriedReason.missing_key": "The key of the stored password is missing",
    "UntriedReason.verifier_failed": "Verifying failed",
    "UntriedReason.not_derivable": "No default can be made of the name",
    "UntriedReason.strategy_failed": "Making the default failed",
    "DefaultWarning.initial_is_not_a_letter": "The initial is not a letter",
    # -- other steps on accounts
    "AccountChange.disable": "Disable",
    "AccountChange.enable": "Enable",
    "AccountChange.unlock": "Unlock",
    "AccountChange.require_change": "Have a new password chosen",
    "AccountChange.end_sessions": "Sign out everywhere",
    "AccountChange.erase": "Erase",
    "ChangeDecision.will_change": "Will be changed",
    "ChangeDecision.skip": "Skipped",
    "ChangeDecision.cannot": "Cannot be changed",
    "ChangeReason.already_so": "It is so already.",
    "ChangeReason.changed_meanwhile": "The account changed meanwhile. Look again.",
    "ChangeReason.no_account": "There is no account.",
    "ChangeReason.no_password": "There is no password that could be changed.",
    "ChangeReason.erased": "The contact's data was erased.",
    "ChangeReason.being_moved": "The account is being moved to another contact.",
    "ChangeReason.not_permitted": "You may not change this account.",
    "ChangeReason.kept_changing": "Others kept changing the account. Start again.",
    "ChangeReason.store_unavailable": "The database could not be reached. Start again.",
    "ChangeReason.store_refused": "The database refused the change. Tell whoever runs the portal.",
    "ChangeOutcome.changed": "Changed",
    "ChangeOutcome.already_changed": "Changed before",
    "ChangeOutcome.skipped": "Skipped",
    "ChangeOutcome.cannot": "Cannot be changed",
    "ChangeOutcome.failed": "Failed",
    "ChangeOutcome.not_reached": "Not reached",
    "Renamed": "The user name is changed.",
    "UsernameTaken": "Another account has this user name.",
    # -- contacts from the SIS
    "SyncAction.add": "Added",
    "SyncAction.refresh": "Refreshed",
    "SyncAction.restore": "Restored",
    "SyncAction.unchanged": "Unchanged",
    "SyncAction.cannot": "Cannot be taken over",
    "SyncReason.no_username": "There is no user name. Without one no password can be set.",
    "SyncReason.username_taken": "Another account has this user name. This one has none.",
    "SyncReason.username_invalid": "The user name cannot be used. Correct it in the SIS.",
    "SyncReason.username_differs": "The account keeps the user name that it has.",
    "SyncReason.emptied": "A name or the e-mail address is removed, because the SIS has none.",
    "SyncReason.listed_twice": "The contact is listed twice. This row is ignored.",
    "SyncReason.erased": "The contact's data was erased.",
    "SyncReason.not_permitted": "You may not take this contact over.",
    "SyncReason.kept_changing": "Others kept changing the account. Start again.",
    "SyncReason.store_refused": "The database refused the change. Tell whoever runs the portal.",
    "SyncReason.store_unavailable": "The database could not be reached. Start again.",
    # -- a roster
    "RosterRefusal": "Line {line}, {field}: {hint}",
    "RosterRefusal.in_file": "{file}, line {line}, {field}: {hint}",
    "RosterRefusal.taken": "Line {line} was taken.",
    "RosterWarning": "Line {line}, {field}: {hint}",
    "RosterWarning.in_file": "{file}, line {line}, {field}: {hint}",
    "RosterReason.missing_id": "Give the contact an identifier in the SIS: names are not unique.",
    "RosterReason.listed_twice": "Keep one row for each contact.",
    "RosterReason.too_few_cells": (
        "The row has fewer cells than there are headers. Quote cells that hold a separator or a line break."
    ),
    "RosterReason.too_many_cells": (
        "The row has more cells than there are headers. Quote cells that hold a separator or a line break."
    ),
    "RosterReason.open_quote": (
        "A quotation mark on this line is not closed on it. Double marks within a cell, and leave line breaks out."
    ),
    "RosterReason.stray_quote": "Double the quotation marks within a quoted cell.",
    "RosterReason.cell_too_long": "Shorten the cell.",
    "RosterReason.number_cut": ("A spreadsheet has cut the number short. Format the column as text before the export."),
    "RosterReason.read_as_number": (
        "It was read as a number, which drops leading zeros. Format the column as text before the export."
    ),
    "RosterReason.spreadsheet_error": "Correct the cell: it has the error of a spreadsheet and not a value.",
    "RosterReason.not_text": "It is not a text. Format the column as text before the export.",
    "RosterReason.too_long": "Shorten it in the SIS to at most 255 characters.",
    "RosterReason.outer_blanks": "Take off the blanks around the identifier.",
    "RosterReason.invalid_text": (
        "Take out characters that are not text or that nobody sees, and check the encoding of the file."
    ),
    "RosterReason.username_invalid": "The user name cannot be used. Correct it in the SIS.",
    "RosterReason.state_unknown": "It is not one of the values that OneRoster has. Correct the export.",
    "RosterReason.marks_removed": "The marks that a spreadsheet puts before a text were taken off.",
    "RosterReason.damaged_text": "Check the encoding that the file was written in: the text looks damaged.",
    "RosterReason.was_float": (
        "The column came as numbers with a decimal point. They were taken as whole numbers; leading zeros are lost."
    ),
    "RosterReason.several_emails": "There are several addresses and none is the primary one. None was taken.",
    "RosterReason.only_changes": "The export lists only what has changed. Nothing can be told of who is not in it.",
    "UnreadableRosterError.no_headers": "The file begins with no headers that are known here. Export it with headers.",
    "UnreadableRosterError.missing_column": "The file has no column known here for {columns}. Export it with one.",
    "UnreadableRosterError.doubtful_column": "Several columns may be {columns}. Export the file with one.",
    "UnreadableRosterError.doubtful_delimiter": "What separates the cells is in doubt. Export the file with commas.",
    "UnreadableRosterError.rows_not_chosen": (
        "Not every row may be a contact, or one who is still here. Whoever runs the portal can say it by: {columns}."
    ),
    "UnreadableRosterError.not_utf_8": "Line {line} is not UTF-8. Save the file as CSV UTF-8.",
    "UnreadableRosterError.other_encoding": "The file is not in the encoding that is expected. Save it as CSV UTF-8.",
    "UnreadableRosterError.workbook": "This is a workbook or a zip. Save the sheet as CSV UTF-8.",
    "UnreadableRosterError.compressed": "The file is compressed. Unpack it first.",
    "UnreadableRosterError.line_too_long": "A line is far too long. Export the file with one row on each line.",
    "UnreadableRosterError.too_many_rows": "The file has more than {most} rows. Split it.",
    "UnreadableRosterError.too_many_columns": "The file has more than {most} columns. Export only those needed.",
    "UnreadableRosterError.missing_file": "The file {file} is not in the zip. Export it again.",
    "UnreadableRosterError.missing_roles": "It is not said who has which role. Export the zip with roles.csv.",
    "UnreadableRosterError.other_version": "Export it as OneRoster 1.1 or 1.2.",
    "UnreadableRosterError.damaged_zip": "The zip is damaged. Export it again.",
    "UnreadableRosterError.too_many_files": "The zip has too many files. Export it with those of OneRoster alone.",
    "UnreadableRosterError.doubtful_file": "The zip has several files called {file}. Export it with one.",
    "UnreadableRosterError.zip_password": "The zip asks for a password. Export it without.",
    "UnreadableRosterError.file_too_large": "The file {file} in the zip is too large. Split it.",
    "LeftOut.student": "A student",
    "LeftOut.staff": "A teacher or other staff",
    "LeftOut.other_role": "Another role",
    "LeftOut.no_role": "No role",
    "LeftOut.to_be_deleted": "Has left",
    "LeftOut.not_enabled": "Not enabled in the SIS",
    "LeftOut.not_kept": "Left out by your rule",
    # -- hashes from another system
    "ImportDecision.will_import": "Will be imported",
    "ImportDecision.skip": "Skipped",
    "ImportDecision.cannot": "Cannot be imported",
    "ImportReason.chose_own": "Chose a password here, which is kept.",
    "ImportReason.has_default": "Has a default here, which is kept.",
    "ImportReason.already_imported": "A password was imported before, which is kept.",
    "ImportReason.disabled": "The account is disabled. Enable it first.",
    "ImportReason.changed_meanwhile": "The account changed meanwhile. Look again.",
    "ImportReason.listed_twice": "The contact is listed twice. This row is ignored.",
    "ImportReason.no_account": "There is no account. Take the contact over from the SIS first.",
    "ImportReason.username_differs": "The contact has another user name. Correct the row.",
    "ImportReason.erased": "The contact's data was erased.",
    "ImportReason.not_permitted": "You may not import this password.",
    "ImportReason.owner_missing": "The row does not say whose password it is.",
    "ImportReason.hash_missing": "The old system has no password. Set a default.",
    "ImportReason.hash_not_text": "The hash is not text.",
    "ImportReason.hash_unusable": "In the old system nobody could sign in with this. Set a default.",
    "ImportReason.hash_unknown": "This kind of hash is not known here.",
    "ImportReason.hash_too_long": "The hash is too long.",
    "ImportReason.hash_refused": "The hash is damaged or asks for too much. Set a default.",
    "ImportReason.missing_key": "The key that this hash needs is not here.",
    "ImportReason.hashing_unavailable": "The computer was short of memory. Import again.",
    "ImportReason.kept_changing": "Others kept changing the account. Import again.",
    "ImportReason.store_unavailable": "The database could not be reached. Import again.",
    "ImportReason.store_refused": "The database refused the change. Tell whoever runs the portal.",
    "ImportOutcome.imported": "Imported",
    "ImportOutcome.already_imported": "Imported before",
    "ImportOutcome.skipped": "Skipped",
    "ImportOutcome.cannot": "Cannot be imported",
    "ImportOutcome.failed": "Failed",
    "ImportOutcome.not_reached": "Not reached",
    "HashImportWarning.replaces_chosen": "Replaces a password that the contact chose",
    "HashImportWarning.replaces_default": "Replaces a default",
    "HashImportWarning.replaces_imported": "Replaces a password that was imported before",
    "HashImportWarning.no_username": "Nobody can sign in before the account has a user name",
    "HashImportWarning.fast_digest": "The hash is weak",
    # -- refusals that an operator meets
    "UnderivableError.first_name": "No default can be made of the first name. Correct it in the SIS.",
    "UnderivableError.last_name": "No default can be made of the last name. Correct it in the SIS.",
    "PrivilegeDeniedError": "You may not do this: {privilege}.",
    "DailyCeilingError": (
        "In 24 hours you may set {ceiling} password, and have planned {planned}. Select fewer, or wait.",
        "In 24 hours you may set {ceiling} passwords, and have planned {planned}. Select fewer, or wait.",
    ),
    # -- the record
    "AuditKind.authn_login_success": "Signed in",
    "AuditKind.authn_login_successafterfail": "Signed in after failures",
    "AuditKind.authn_login_fail": "Sign-in denied",
    "AuditKind.authn_login_lock": "Password stopped after too many failures",
    "AuditKind.authn_login_unlock": "Unlocked",
    "AuditKind.authn_login_unlock.begun": "Unlocking begun",
    "AuditKind.excess_rate_limit_exceeded": "Too many attempts",
    "AuditKind.spray_suspected": "Many accounts tried: probably guessing",
    "AuditKind.mass_claim_suspected": "Many defaults used from one place",
    "AuditKind.session_expired": "Signed out everywhere",
    "AuditKind.authn_password_change_required": "New password demanded",
    "AuditKind.authn_token_created": "Sent to choose a password",
    "AuditKind.authn_token_created.invitation": "Invited to choose a password",
    "AuditKind.claim_proof_refused": "Claim proof refused",
    "AuditKind.authn_token_refused": "Form to choose a password refused",
    "AuditKind.authn_password_issue": "Default password set",
    "AuditKind.credential_imported": "Password imported",
    "AuditKind.authn_password_change": "Password changed",
    "AuditKind.authn_password_change_fail": "New password refused",
    "AuditKind.authn_hash_upgrade": "Stored more safely",
    "AuditKind.notification_failed": "Contact not told",
    "AuditKind.authz_fail": "Operator refused",
    "AuditKind.sensitive_read.username": "User name seen",
    "AuditKind.sensitive_read.password": "Password shown",
    "AuditKind.sensitive_read.default": "Defaults tried",
    "AuditKind.sensitive_read.claim_code": "Code of a letter shown",
    "AuditKind.sensitive_read.contacts": "Contacts shown",
    "AuditKind.plan_changed": "OK pressed after something had changed",
    "AuditKind.operation_cancelled": "Job cancelled",
    "AuditKind.events_purged": "Old entries of the record removed",
    "AuditKind.user_created": "Account added",
    "AuditKind.user_updated.refresh": "Name or address refreshed",
    "AuditKind.user_updated.rename": "User name changed",
    "AuditKind.user_updated.rename_refused": "New user name refused",
    "AuditKind.user_updated.restore": "Account restored",
    "AuditKind.user_updated.rekey": "Account moved to another id",
    "AuditKind.user_updated.merge": "Accounts merged",
    "AuditKind.user_updated.enable": "Account enabled",
    "AuditKind.user_archived": "Account disabled",
    "AuditKind.user_deleted": "Data erased",
    # -- for whoever runs the portal
    "AddOutcome.added": "Stored",
    "AddOutcome.key_taken": "There is a job under this key",
    "AddOutcome.over_ceiling": "More than the operator may set in a day",
    "ApplyResult.applied": "Stored",
    "ApplyResult.stale": "Changed meanwhile",
    "ApplyResult.username_taken": "User name taken",
    "TableFaultKind.missing_table": "The table is missing",
    "TableFaultKind.missing_column": "The column is missing",
    "TableFaultKind.missing_key": "Nothing keeps the columns unique",
    "TableFaultKind.missing_check": "A check is missing",
    "TableFaultKind.missing_index": "An index is missing",
    "TableFaultKind.encoding": "Not every character is held",
    "TableFaultKind.driver": "The driver is not understood",
    "TableFaultKind.nullable": "The column takes NULL",
    "TableFaultKind.not_computed": "The column is not computed",
    "TableFaultKind.folds": "Different texts count as the same",
    "TableFaultKind.missorts": "The column sorts in another order",
    "TableFaultKind.too_narrow": "The column is too narrow",
    "TableFaultKind.lossy": "The column rounds what it is given",
    "TableFaultKind.lenient": "What does not fit is cut without an error",
    "TableFaultKind.not_transactional": "What is undone stays written",
    "TableFaultKind.version": "The tables are of another release",
    "TableFaultKind.refuses": "A row is refused that is as it should be",
}
"""Every text in English, by key: one text, or the pair for one and for several. A key is a class and its code."""

_WARNINGS: Final = ("ResetWarning", "DefaultWarning", "HashImportWarning")
"""What a code is looked for among that has lost its class on the way, such as in a database."""


class Message(NamedTuple):
    """
    A sentence, before it is put in a language.

    Attributes:
        key: Its key in `ENGLISH`.
        parameters: The values for it.
        number: What its plural goes by, or None.
        english: The text of what is not in the catalogue, such as a host's own rule for passwords.
    """

    key: str
    parameters: Mapping[str, Any] = {}
    number: int | None = None
    english: str = ""


class HasMessages(Protocol):
    """A code, an outcome, a violation, a confirmation or a refusal: of this copy of the package or of another."""

    @property
    def messages(self) -> Sequence[Message]:
        """What it says, a sentence each."""
        ...


class Translation(Protocol):
    """
    Puts texts in a language; the key of a text is its context.

    What `gettext.translation` returns is one, and so are the modules ``django.utils.translation`` and
    ``flask_babel``, which go by the language of the request.
    """

    def pgettext(self, context: str, message: str, /) -> str:
        """Return the text of a key, or the English one."""
        ...

    def npgettext(self, context: str, singular: str, plural: str, n: int, /) -> str:
        """Return the form of it for *n*, or the English one."""
        ...


class TextTable:
    """
    A `Translation` in a mapping, for a portal without gettext.

    Args:
        texts: The text of each key; several forms where `ENGLISH` has two. What is left out stays English. Keys that
            the catalogue does not have are for a host's own codes, such as ``Violation.mascot``.
        plural_form: Tells which form is for a number, from 0, as in the header of a gettext catalogue. The default is
            that of English, German and Spanish.

    Raises:
        ConfigurationError: A text has a ``{name}`` that its English does not have, or one form where there are several.
    """

    def __init__(
        self,
        texts: Mapping[str, str | Sequence[str]],
        plural_form: Callable[[int], int] = lambda n: int(n != 1),
    ) -> None:
        for key, given in texts.items():
            english = ENGLISH.get(key)
            if english is not None:
                _check(key, given, english)
        self._texts = dict(texts)
        self._plural_form = plural_form

    def pgettext(self, context: str, message: str, /) -> str:
        """Return the text of a key, or the English one."""
        found = self._texts.get(context, message)
        return found if isinstance(found, str) else message

    def npgettext(self, context: str, singular: str, plural: str, n: int, /) -> str:
        """Return the form of it for *n*, or the English one."""
        forms = self._texts.get(context)
        if forms is None or isinstance(forms, str):
            return singular if n == 1 else plural
        return forms[min(self._plural_form(n), len(forms) - 1)]

    def missing(self) -> list[str]:
        """Return the keys of the catalogue that have no text here."""
        return [key for key in ENGLISH if key not in self._texts]


def text_of(coded: HasMessages | str, translation: Translation | None = None) -> str:
    """
    Return what a code or an outcome says to a person.

    Args:
        coded: Whatever has a ``text``; or a code as plain text, such as a warning of a strategy of your own.
        translation: The language; None for English. What it lacks is said in English.
    """
    messages = coded.messages if hasattr(coded, "messages") else (_of_plain(coded),)
    return " ".join(_said(message, translation) for message in messages)


def _of_plain(code: str) -> Message:
    for kind in _WARNINGS:
        if f"{kind}.{code}" in ENGLISH:
            return Message(f"{kind}.{code}")
    # Better than an underscore, for a code that only its strategy knows.
    return Message(code, english=code.replace("_", " "))


def _said(message: Message, translation: Translation | None) -> str:
    key, parameters, number, own = message
    english = ENGLISH.get(key)
    if english is None:
        return own if translation is None else translation.pgettext(key, own)
    if isinstance(english, str):
        template = plain = english
        if translation is not None:
            template = translation.pgettext(key, english)
    else:
        template = plain = english[number != 1]
        if translation is not None:
            template = translation.npgettext(key, *english, number or 0)
    # What is named within a sentence, such as a privilege, is in the same language.
    values = {
        name: _said(each, translation) if isinstance(each, Message) else each for name, each in parameters.items()
    }
    try:
        return template.format_map(values)
    except (AttributeError, IndexError, KeyError, ValueError):
        # A mistake in a translation must not take the sign-in page down.
        return plain.format_map(values)


def _check(key: str, given: str | Sequence[str], english: str | tuple[str, str]) -> None:
    if isinstance(given, str) is not isinstance(english, str):
        raise ConfigurationError(
            "texts", f"pass for {key} " + ("one text" if isinstance(english, str) else "all forms")
        )
    allowed = _names((english,) if isinstance(english, str) else english)
    if not _names((given,) if isinstance(given, str) else given) <= allowed:
        raise ConfigurationError("texts", f"use no other than {sorted(allowed)} in braces in the text of {key}")


def _names(texts: Sequence[str]) -> set[str]:
    from string import Formatter

    try:
        return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError:
        return {"an open brace"}
