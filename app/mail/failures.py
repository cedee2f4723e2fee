"""What a mail can fail with. None says of whom: what a server answers may quote an address, and is dropped.

MailFailure
├── Refused      no server will take it: the address or the mail itself
│   └── Bounced  the address is one that mails come back from, or the mail was taken and given back
├── TryAgain     the server may take this one later
└── Unavailable  the server, its settings or the way to it: no mail goes now
"""


class MailFailure(Exception):
    pass


class Refused(MailFailure):
    pass


class Bounced(Refused):
    pass


class TryAgain(MailFailure):
    pass


class Unavailable(MailFailure, ConnectionError):
    pass
