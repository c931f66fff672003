"""Make a OneRoster zip of a small school, in both versions."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

MANIFEST = """propertyName,value
manifest.version,1.0
oneroster.version,{version}
file.users,bulk
file.classes,bulk
file.enrollments,bulk
file.orgs,absent
source.systemName,SIS
"""

USERS_1_1 = """\
sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,\
identifier,email,sms,phone,agentSourcedIds,grades,password
p1,,,true,o1,parent,awoods,,Ann,Woods,,,ann@example.org,,,"s1,s2",,secret
p2,,,true,o1,guardian,bdyer,"{LDAP:1},{LTI:2}",Bob,Dyer,,,,,,,,
p3,active,,TRUE,o1,relative,,,Éva,"O'Brien, Jr.",,,,,,s3,,
p4,tobedeleted,2026-01-01T00:00:00.000Z,true,o1,parent,gone,,Gone,Away,,,,,,s1,,
p5,,,false,o1,parent,off,,Off,Line,,,,,,s1,,
s1,,,true,o1,student,s1,,Sam,Woods,,,,,,,07,
s2,,,true,o1,student,s2,,Sue,Woods,,,,,,,07,
s3,,,true,o1,student,s3,,Sid,Dyer,,,,,,"p2, p9",08,
s4,tobedeleted,,true,o1,student,s4,,Sol,Dyer,,,,,,p2,07,
t1,,,true,o1,teacher,t1,,Tea,Cher,,,,,,,,
x1,,,true,o1,ext:neighbour,x1,,Nei,Bour,,,,,,,,
n1,,,true,o1,,n1,,No,Role,,,,,,,,
"""

CLASSES = """\
sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,\
termSourcedIds,subjects,subjectCodes,periods
c7b,,,7B,07,k1,MATH-7B,homeroom,,o1,t1,,,
c8b,,,8B,08,k1,,homeroom,,o1,t1,,,
other7b,,,7b ,07,k1,,homeroom,,o2,t1,,,
old,tobedeleted,,9Z,07,k1,,homeroom,,o1,t1,,,
"""

ENROLLMENTS = """\
sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate
e1,,,c7b,o1,s1,student,,2026-09-01,2027-06-30
e2,,,c7b,o1,s2,student,,2026-09-01,
e3,,,c8b,o1,s3,student,,,
e4,,,c7b,o1,s3,student,,2025-09-01,2026-06-30
e5,tobedeleted,,c7b,o1,s3,student,,,
e6,,,c7b,o1,t1,teacher,true,,
e7,,,c7b,o1,s4,student,,,
e8,,,old,o1,s1,student,,,
"""

ROLES = """\
sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId
r1,,,p1,primary,parent,,,o1,
r2,,,p2,primary,teacher,,,o1,
r3,,,p2,secondary,guardian,,,o2,
r4,,,p3,primary,relative,,,o1,
r5,,,p4,primary,parent,,,o1,
r6,,,p5,primary,parent,,,o1,
r7,,,s1,primary,student,,,o1,
r8,,,s2,primary,student,,,o1,
r9,,,s3,primary,student,,,o1,
r10,,,t1,primary,principal,,,o1,
r11,tobedeleted,,t1,secondary,parent,,,o1,
r12,,,s2,secondary,parent,2020-01-01,2021-01-01,o1,
r13,,,x1,primary,ext:neighbour,,,o1,
"""


def users_1_2() -> str:
    """Return the same users as 1.2 has them: without role and organisation, with more names."""
    header, *rows = USERS_1_1.replace('"O\'Brien, Jr."', "O'Brien").splitlines()
    names = header.split(",")
    gone = {names.index("role"), names.index("orgSourcedIds")}
    more = (
        "userMasterIdentifier,preferredGivenName,preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns"
    )
    made = [",".join([*(name for at, name in enumerate(names) if at not in gone), more])]
    for row in rows:
        cells = [cell for at, cell in enumerate(row.split(",")) if at not in gone]
        made.append(",".join([*cells, "", "Preferred", "", "Name", "o1", ""]))
    return "\n".join(made) + "\n"


FILES_1_1 = {
    "manifest.csv": MANIFEST.format(version="1.1"),
    "users.csv": USERS_1_1,
    "classes.csv": CLASSES,
    "enrollments.csv": ENROLLMENTS,
}


def files_1_2() -> dict[str, str]:
    """Return the files of a zip of 1.2."""
    manifest = MANIFEST.format(version="1.2.1") + "file.roles,bulk\nfile.userProfiles,bulk\n"
    profiles = "sourcedId,status,dateLastModified,userSourcedId,profileType,vendorId,username,password\n"
    return FILES_1_1 | {
        "manifest.csv": manifest,
        "users.csv": users_1_2(),
        "roles.csv": ROLES,
        "userProfiles.csv": profiles,
    }


def zipped(files: Mapping[str, str | bytes]) -> io.BytesIO:
    """Return a zip of files."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    data.seek(0)
    return data
