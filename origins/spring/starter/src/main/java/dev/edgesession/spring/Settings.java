package dev.edgesession.spring;

import java.net.URI;
import java.time.Duration;
import java.util.Set;
import java.util.regex.Pattern;

/** The configuration, checked: an incomplete or contradicting one stops the start. */
record Settings(String issuer, String audience, SigningKeys keys, Set<String> directPaths, boolean hostFromIssuer,
		int dataLimit, URI controlUrl, Duration timeout, String rememberMeCookie, Duration rememberedAfter) {

	private static final Pattern LOOPBACK = Pattern.compile("(?:.+\\.)?localhost|127(?:\\.\\d{1,3}){3}|\\[::1\\]");

	static Settings of(EdgeSessionProperties properties) {
		String issuer = properties.getIssuer();
		require(isOrigin(issuer),
				"edge-session.issuer has to be the gate's `issuer`: the site's address as https://app.example.com, without a slash at the end");
		String audience = properties.getAudience();
		require(audience != null && !audience.isBlank() && !audience.equals(issuer),
				"edge-session.audience has to be the gate's `audience`: a text, and not the issuer");
		require(properties.getDirectPaths().stream().allMatch((path) -> path.startsWith("/") && !path.contains("*")),
				"edge-session.direct-paths has to be a list of exact paths, such as /healthz");
		int limit = (int) properties.getDataLimit().toBytes();
		require(limit > 0 && limit <= 4096, "edge-session.data-limit has to be the gate's `limits.data`: 1B to 4096B");
		SigningKeys keys = SigningKeys.parse(properties.getKeys());
		require(!keys.hasDevelopment() || LOOPBACK.matcher(URI.create(issuer).getHost()).matches(),
				"edge-session.keys has a development key (its id begins with dev-); they are refused unless the issuer is a loopback host");
		String control = properties.getControlUrl();
		return new Settings(issuer, audience, keys, Set.copyOf(properties.getDirectPaths()),
				properties.isHostFromIssuer(), limit,
				URI.create((control != null) ? control : issuer + "/.edge-session/control"), properties.getTimeout(),
				properties.getRememberMeCookie(), properties.getRememberedAfter());
	}

	boolean secure() {
		return this.issuer.startsWith("https:");
	}

	/** Host and, unless it is the scheme's own, port: what browsers send as Host. */
	String authority() {
		return this.issuer.substring(this.issuer.indexOf("://") + 3);
	}

	String host() {
		return URI.create(this.issuer).getHost();
	}

	int port() {
		int port = URI.create(this.issuer).getPort();
		return (port >= 0) ? port : secure() ? 443 : 80;
	}

	private static boolean isOrigin(String text) {
		try {
			URI uri = URI.create((text != null) ? text : "");
			return ("http".equals(uri.getScheme()) || "https".equals(uri.getScheme())) && uri.getHost() != null
					&& uri.getUserInfo() == null && text.equals(uri.getScheme() + "://" + uri.getAuthority());
		}
		catch (IllegalArgumentException ex) {
			return false;
		}
	}

	private static void require(boolean condition, String problem) {
		if (!condition) {
			throw new IllegalArgumentException(problem);
		}
	}

}
