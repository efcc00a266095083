/*
 * Copyright (c) 2026 The VIPR edge authors
 *
 * Permission to use, copy, modify, and distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */
/*
 * core: names of SIP headers and methods, texts of errors.
 */
#include <sys/types.h>

#include <stdint.h>
#include <string.h>

#include "sip_hdr.h"
#include "sip_parse.h"

struct hdr_name {
	const char	*hn_name;
	uint8_t		 hn_single;
};
struct hdr_key {
	const char	*hk_name;
	uint8_t		 hk_id;
};

/* Canonical names by id; single: may stand on one line only. */
static const struct hdr_name names[SIP_H_MAX] = {
	[SIP_H_OTHER] = { "", 0 },
	[SIP_H_ACCEPT] = { "Accept", 0 },
	[SIP_H_ACCEPT_CONTACT] = { "Accept-Contact", 0 },
	[SIP_H_ACCEPT_ENCODING] = { "Accept-Encoding", 0 },
	[SIP_H_ACCEPT_LANGUAGE] = { "Accept-Language", 0 },
	[SIP_H_ALERT_INFO] = { "Alert-Info", 0 },
	[SIP_H_ALLOW] = { "Allow", 0 },
	[SIP_H_ALLOW_EVENTS] = { "Allow-Events", 0 },
	[SIP_H_ANSWER_MODE] = { "Answer-Mode", 1 },
	[SIP_H_AUTHORIZATION] = { "Authorization", 0 },
	[SIP_H_CALL_ID] = { "Call-ID", 1 },
	[SIP_H_CALL_INFO] = { "Call-Info", 0 },
	[SIP_H_CONTACT] = { "Contact", 0 },
	[SIP_H_CONTENT_DISPOSITION] = { "Content-Disposition", 1 },
	[SIP_H_CONTENT_ENCODING] = { "Content-Encoding", 0 },
	[SIP_H_CONTENT_ID] = { "Content-ID", 1 },
	[SIP_H_CONTENT_LANGUAGE] = { "Content-Language", 0 },
	[SIP_H_CONTENT_LENGTH] = { "Content-Length", 1 },
	[SIP_H_CONTENT_TYPE] = { "Content-Type", 1 },
	[SIP_H_CSEQ] = { "CSeq", 1 },
	[SIP_H_DATE] = { "Date", 1 },
	[SIP_H_DIVERSION] = { "Diversion", 0 },
	[SIP_H_ERROR_INFO] = { "Error-Info", 0 },
	[SIP_H_EVENT] = { "Event", 1 },
	[SIP_H_EXPIRES] = { "Expires", 1 },
	[SIP_H_FROM] = { "From", 1 },
	[SIP_H_GEOLOCATION] = { "Geolocation", 0 },
	[SIP_H_HISTORY_INFO] = { "History-Info", 0 },
	[SIP_H_IDENTITY] = { "Identity", 0 },
	[SIP_H_IN_REPLY_TO] = { "In-Reply-To", 0 },
	[SIP_H_JOIN] = { "Join", 0 },
	[SIP_H_MAX_BREADTH] = { "Max-Breadth", 1 },
	[SIP_H_MAX_FORWARDS] = { "Max-Forwards", 1 },
	[SIP_H_MIME_VERSION] = { "MIME-Version", 1 },
	[SIP_H_MIN_EXPIRES] = { "Min-Expires", 1 },
	[SIP_H_MIN_SE] = { "Min-SE", 1 },
	[SIP_H_ORGANIZATION] = { "Organization", 1 },
	[SIP_H_P_ASSERTED_IDENTITY] = { "P-Asserted-Identity", 0 },
	[SIP_H_P_PREFERRED_IDENTITY] = { "P-Preferred-Identity", 0 },
	[SIP_H_PATH] = { "Path", 0 },
	[SIP_H_PRIORITY] = { "Priority", 1 },
	[SIP_H_PRIV_ANSWER_MODE] = { "Priv-Answer-Mode", 1 },
	[SIP_H_PRIVACY] = { "Privacy", 0 },
	[SIP_H_PROXY_AUTHENTICATE] = { "Proxy-Authenticate", 0 },
	[SIP_H_PROXY_AUTHORIZATION] = { "Proxy-Authorization", 0 },
	[SIP_H_PROXY_REQUIRE] = { "Proxy-Require", 0 },
	[SIP_H_RACK] = { "RAck", 1 },
	[SIP_H_REASON] = { "Reason", 0 },
	[SIP_H_RECORD_ROUTE] = { "Record-Route", 0 },
	[SIP_H_REFER_TO] = { "Refer-To", 1 },
	[SIP_H_REFERRED_BY] = { "Referred-By", 1 },
	[SIP_H_REMOTE_PARTY_ID] = { "Remote-Party-ID", 0 },
	[SIP_H_REPLACES] = { "Replaces", 0 },
	[SIP_H_REPLY_TO] = { "Reply-To", 1 },
	[SIP_H_REQUEST_DISPOSITION] = { "Request-Disposition", 0 },
	[SIP_H_REQUIRE] = { "Require", 0 },
	[SIP_H_RETRY_AFTER] = { "Retry-After", 1 },
	[SIP_H_ROUTE] = { "Route", 0 },
	[SIP_H_RSEQ] = { "RSeq", 1 },
	[SIP_H_SERVER] = { "Server", 1 },
	[SIP_H_SESSION_EXPIRES] = { "Session-Expires", 1 },
	[SIP_H_SESSION_ID] = { "Session-ID", 1 },
	[SIP_H_SUBJECT] = { "Subject", 1 },
	[SIP_H_SUPPORTED] = { "Supported", 0 },
	[SIP_H_TIMESTAMP] = { "Timestamp", 1 },
	[SIP_H_TO] = { "To", 1 },
	[SIP_H_UNSUPPORTED] = { "Unsupported", 0 },
	[SIP_H_USER_AGENT] = { "User-Agent", 1 },
	[SIP_H_VIA] = { "Via", 0 },
	[SIP_H_VIPR_REFUSAL] = { "ViPR-Refusal", 0 },
	[SIP_H_VIPR_TICKET] = { "ViPR-Ticket", 0 },
	[SIP_H_WARNING] = { "Warning", 0 },
	[SIP_H_WWW_AUTHENTICATE] = { "WWW-Authenticate", 0 },
};

/* Lower-case names in order of length, and where each length begins. */
static const struct hdr_key keys[] = {
	{ "to", SIP_H_TO },
	{ "via", SIP_H_VIA },
	{ "cseq", SIP_H_CSEQ },
	{ "date", SIP_H_DATE },
	{ "from", SIP_H_FROM },
	{ "join", SIP_H_JOIN },
	{ "path", SIP_H_PATH },
	{ "rack", SIP_H_RACK },
	{ "rseq", SIP_H_RSEQ },
	{ "allow", SIP_H_ALLOW },
	{ "event", SIP_H_EVENT },
	{ "route", SIP_H_ROUTE },
	{ "accept", SIP_H_ACCEPT },
	{ "min-se", SIP_H_MIN_SE },
	{ "reason", SIP_H_REASON },
	{ "server", SIP_H_SERVER },
	{ "call-id", SIP_H_CALL_ID },
	{ "contact", SIP_H_CONTACT },
	{ "expires", SIP_H_EXPIRES },
	{ "privacy", SIP_H_PRIVACY },
	{ "require", SIP_H_REQUIRE },
	{ "subject", SIP_H_SUBJECT },
	{ "warning", SIP_H_WARNING },
	{ "identity", SIP_H_IDENTITY },
	{ "priority", SIP_H_PRIORITY },
	{ "refer-to", SIP_H_REFER_TO },
	{ "replaces", SIP_H_REPLACES },
	{ "reply-to", SIP_H_REPLY_TO },
	{ "call-info", SIP_H_CALL_INFO },
	{ "diversion", SIP_H_DIVERSION },
	{ "supported", SIP_H_SUPPORTED },
	{ "timestamp", SIP_H_TIMESTAMP },
	{ "alert-info", SIP_H_ALERT_INFO },
	{ "content-id", SIP_H_CONTENT_ID },
	{ "error-info", SIP_H_ERROR_INFO },
	{ "session-id", SIP_H_SESSION_ID },
	{ "user-agent", SIP_H_USER_AGENT },
	{ "answer-mode", SIP_H_ANSWER_MODE },
	{ "geolocation", SIP_H_GEOLOCATION },
	{ "in-reply-to", SIP_H_IN_REPLY_TO },
	{ "max-breadth", SIP_H_MAX_BREADTH },
	{ "min-expires", SIP_H_MIN_EXPIRES },
	{ "referred-by", SIP_H_REFERRED_BY },
	{ "retry-after", SIP_H_RETRY_AFTER },
	{ "unsupported", SIP_H_UNSUPPORTED },
	{ "vipr-ticket", SIP_H_VIPR_TICKET },
	{ "allow-events", SIP_H_ALLOW_EVENTS },
	{ "content-type", SIP_H_CONTENT_TYPE },
	{ "history-info", SIP_H_HISTORY_INFO },
	{ "max-forwards", SIP_H_MAX_FORWARDS },
	{ "mime-version", SIP_H_MIME_VERSION },
	{ "organization", SIP_H_ORGANIZATION },
	{ "record-route", SIP_H_RECORD_ROUTE },
	{ "vipr-refusal", SIP_H_VIPR_REFUSAL },
	{ "authorization", SIP_H_AUTHORIZATION },
	{ "proxy-require", SIP_H_PROXY_REQUIRE },
	{ "accept-contact", SIP_H_ACCEPT_CONTACT },
	{ "content-length", SIP_H_CONTENT_LENGTH },
	{ "accept-encoding", SIP_H_ACCEPT_ENCODING },
	{ "accept-language", SIP_H_ACCEPT_LANGUAGE },
	{ "remote-party-id", SIP_H_REMOTE_PARTY_ID },
	{ "session-expires", SIP_H_SESSION_EXPIRES },
	{ "content-encoding", SIP_H_CONTENT_ENCODING },
	{ "content-language", SIP_H_CONTENT_LANGUAGE },
	{ "priv-answer-mode", SIP_H_PRIV_ANSWER_MODE },
	{ "www-authenticate", SIP_H_WWW_AUTHENTICATE },
	{ "proxy-authenticate", SIP_H_PROXY_AUTHENTICATE },
	{ "content-disposition", SIP_H_CONTENT_DISPOSITION },
	{ "p-asserted-identity", SIP_H_P_ASSERTED_IDENTITY },
	{ "proxy-authorization", SIP_H_PROXY_AUTHORIZATION },
	{ "request-disposition", SIP_H_REQUEST_DISPOSITION },
	{ "x-cisco-vipr-ticket", SIP_H_VIPR_TICKET },
	{ "p-preferred-identity", SIP_H_P_PREFERRED_IDENTITY },
};
#define HDR_LEN_MAX	20
static const uint8_t key_first[HDR_LEN_MAX + 2] = {
	0, 0, 0, 1, 2, 9, 12, 16, 23, 28, 32, 37,
	46, 54, 56, 58, 62, 66, 66, 67, 72, 73,
};

/* Compact forms, 'a' to 'z'. */
static const uint8_t compact[26] = {
	['a' - 'a'] = SIP_H_ACCEPT_CONTACT,
	['b' - 'a'] = SIP_H_REFERRED_BY,
	['c' - 'a'] = SIP_H_CONTENT_TYPE,
	['d' - 'a'] = SIP_H_REQUEST_DISPOSITION,
	['e' - 'a'] = SIP_H_CONTENT_ENCODING,
	['f' - 'a'] = SIP_H_FROM,
	['i' - 'a'] = SIP_H_CALL_ID,
	['k' - 'a'] = SIP_H_SUPPORTED,
	['l' - 'a'] = SIP_H_CONTENT_LENGTH,
	['m' - 'a'] = SIP_H_CONTACT,
	['o' - 'a'] = SIP_H_EVENT,
	['r' - 'a'] = SIP_H_REFER_TO,
	['s' - 'a'] = SIP_H_SUBJECT,
	['t' - 'a'] = SIP_H_TO,
	['u' - 'a'] = SIP_H_ALLOW_EVENTS,
	['v' - 'a'] = SIP_H_VIA,
	['x' - 'a'] = SIP_H_SESSION_EXPIRES,
	['y' - 'a'] = SIP_H_IDENTITY,
};

static const char *const methods[] = {
	[SIP_M_OTHER] = "", [SIP_M_INVITE] = "INVITE", [SIP_M_ACK] = "ACK",
	[SIP_M_CANCEL] = "CANCEL", [SIP_M_BYE] = "BYE",
	[SIP_M_PRACK] = "PRACK", [SIP_M_UPDATE] = "UPDATE",
	[SIP_M_INFO] = "INFO", [SIP_M_OPTIONS] = "OPTIONS",
	[SIP_M_REGISTER] = "REGISTER", [SIP_M_SUBSCRIBE] = "SUBSCRIBE",
	[SIP_M_NOTIFY] = "NOTIFY", [SIP_M_REFER] = "REFER",
	[SIP_M_MESSAGE] = "MESSAGE", [SIP_M_PUBLISH] = "PUBLISH"
};
#define NMETHODS	(sizeof(methods) / sizeof(methods[0]))

static const char *const errors[SIP_E_MAX] = {
	[SIP_E_OK] = "no error",
	[SIP_E_START_LINE] = "bad start line",
	[SIP_E_VERSION] = "SIP version not supported",
	[SIP_E_LINE_END] = "bare CR or LF, or no end of headers",
	[SIP_E_CONTROL] = "control character",
	[SIP_E_UTF8] = "invalid UTF-8",
	[SIP_E_HEADER] = "header line without name or colon",
	[SIP_E_TOO_LARGE] = "message too large",
	[SIP_E_TOO_MANY_HEADERS] = "too many header lines",
	[SIP_E_TOO_MANY_VIAS] = "too many Vias",
	[SIP_E_LENGTH_MISSING] = "Content-Length missing",
	[SIP_E_LENGTH_REPEATED] = "Content-Length repeated",
	[SIP_E_LENGTH_BAD] = "bad Content-Length",
	[SIP_E_REPEATED] = "header repeated",
	[SIP_E_VIA] = "bad or missing Via",
	[SIP_E_FROM] = "bad or missing From",
	[SIP_E_FROM_TAG] = "From without tag",
	[SIP_E_TO] = "bad or missing To",
	[SIP_E_CALL_ID] = "bad or missing Call-ID",
	[SIP_E_CSEQ] = "bad or missing CSeq",
	[SIP_E_MAX_FORWARDS] = "bad Max-Forwards",
	[SIP_E_CONTACT] = "bad Contact",
	[SIP_E_ROUTE] = "bad Route or Record-Route",
	[SIP_E_URI] = "bad Request-URI"
};

enum sip_method
sip_method_parse(struct span s)
{
	size_t	i;

	for (i = 1; i < NMETHODS; i++)
		if (s.len > 0 && s.p[0] == methods[i][0] &&
		    span_eq(s, methods[i]))
			return ((enum sip_method)i);
	return (SIP_M_OTHER);
}

const char *
sip_method_str(enum sip_method m)
{
	if ((size_t)m >= NMETHODS)
		return ("");
	return (methods[m]);
}

enum sip_hdr_id
sip_hdr_lookup(struct span s)
{
	size_t	i;
	char	ch;

	if (s.len == 0 || s.len > HDR_LEN_MAX)
		return (SIP_H_OTHER);
	ch = s.p[0];
	if (ch >= 'A' && ch <= 'Z')
		ch = (char)(ch + ('a' - 'A'));
	if (s.len == 1) {
		if (ch >= 'a' && ch <= 'z')
			return ((enum sip_hdr_id)compact[ch - 'a']);
		return (SIP_H_OTHER);
	}
	for (i = key_first[s.len]; i < key_first[s.len + 1]; i++)
		if (keys[i].hk_name[0] == ch && span_caseeq(s, keys[i].hk_name))
			return ((enum sip_hdr_id)keys[i].hk_id);
	return (SIP_H_OTHER);
}

const char *
sip_hdr_str(enum sip_hdr_id id)
{
	if ((size_t)id >= SIP_H_MAX)
		return ("");
	return (names[id].hn_name);
}

int
sip_hdr_single(enum sip_hdr_id id, int inside)
{
	if ((size_t)id >= SIP_H_MAX)
		return (0);
	if (!inside)
		return (names[id].hn_single);
	switch (id) {
	case SIP_H_CALL_ID:
	case SIP_H_CONTENT_LENGTH:
	case SIP_H_CONTENT_TYPE:
	case SIP_H_CSEQ:
	case SIP_H_FROM:
	case SIP_H_MAX_BREADTH:
	case SIP_H_MAX_FORWARDS:
	case SIP_H_TO:
		return (1);
	default:
		return (0);
	}
}

const char *
sip_error_str(enum sip_error e)
{
	if ((size_t)e >= SIP_E_MAX)
		return ("unknown error");
	return (errors[e]);
}

int
sip_error_status(enum sip_error e)
{
	switch (e) {
	case SIP_E_TOO_LARGE:
		return (413);
	case SIP_E_VERSION:
		return (505);
	default:
		return (400);
	}
}
