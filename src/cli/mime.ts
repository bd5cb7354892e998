/** The MIME tree of a mail by mailparser; a file of its own, so that it is loaded only for mails that need it. */
export {};
