package demo;

import java.time.Instant;
import java.time.temporal.ChronoUnit;

import dev.edgesession.spring.EdgeClaims;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.stereotype.Component;
import org.springframework.web.util.HtmlUtils;

/** The frame around each page, and what pages are made of. */
@Component
class Html {

	private final String attacker;

	Html(@Value("${demo.attacker}") String attacker) {
		this.attacker = attacker;
	}

	static String escape(Object text) {
		return HtmlUtils.htmlEscape(String.valueOf(text));
	}

	/** The browser writes it in its own language and time zone. */
	static String moment(Instant time) {
		Instant whole = time.truncatedTo(ChronoUnit.SECONDS);
		return "<time datetime=\"%s\">%s UTC</time>".formatted(whole, whole.toString().replace("T", " ").replace("Z", ""));
	}

	static String notice(String text) {
		return (text == null) ? "" : "<p class=\"notice\" role=\"status\">" + escape(text) + "</p>";
	}

	String page(String title, String path, EdgeClaims claims, String body) {
		boolean signedIn = claims.subject() != null;
		return """
				<!doctype html>
				<html lang="en" data-site="app">
				<head>
				<meta charset="utf-8">
				<meta name="viewport" content="width=device-width, initial-scale=1">
				<meta name="color-scheme" content="light dark">
				<title>%s · edge-session</title>
				<link rel="icon" href="/assets/app.svg" type="image/svg+xml">
				<link rel="stylesheet" href="/assets/style.css">
				<script type="module" src="/assets/session.js"></script>
				</head>
				<body>
				<header class="site">
				<a class="brand" href="/"><img src="/assets/app.svg" alt="" width="24" height="24"> edge-session on Spring Boot</a>
				<nav aria-label="Site">
				%s
				%s
				%s
				</nav>
				</header>
				<main>
				%s
				</main>
				</body>
				</html>
				""".formatted(escape(title), signedIn ? link("/session", "Session", path) : link("/login", "Sign in", path),
				this.attacker.isEmpty() ? "" : "<a href=\"" + escape(this.attacker) + "/\" target=\"_blank\" rel=\"noopener\">Attacker’s page</a>",
				signedIn ? "<form method=\"post\" action=\"/.edge-session/logout\"><button class=\"plain\">Sign out</button></form>" : "", body);
	}

	private static String link(String href, String text, String path) {
		return "<a href=\"%s\"%s>%s</a>".formatted(href, path.equals(href) ? " aria-current=\"page\"" : "", text);
	}

}
