package dev.edgesession.spring;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.util.unit.DataSize;

/** edge-session.* in the application's properties. */
@ConfigurationProperties("edge-session")
public class EdgeSessionProperties {

	/** The gate's `issuer`: the public address of the site. */
	private String issuer;

	/** The gate's `audience`. */
	private String audience = "origin";

	/** The gate's EDGE_SESSION_ORIGIN_KEYS: kid:key,kid:key, newest first. */
	private String keys;

	/** Exact paths, such as health checks, that are answered without the gate. They have no session. */
	private List<String> directPaths = new ArrayList<>();

	/** Whether scheme, host and port of requests are the issuer's, whatever connection and headers say. */
	private boolean hostFromIssuer = true;

	/** The gate's `limits.data`. */
	private DataSize dataLimit = DataSize.ofBytes(2048);

	/** Where jobs and late changes reach the gate; under the issuer by default. */
	private String controlUrl;

	/** How long the gate has to answer them. */
	private Duration timeout = Duration.ofSeconds(5);

	/** Classes and packages of session attributes, beside those of the application. */
	private List<String> allowedTypes = new ArrayList<>();

	/** The cookie of Spring Security's remember-me, in whose place the gate's session lasts. */
	private String rememberMeCookie = "remember-me";

	/** How long after a login a user who is remembered counts as fully authenticated. */
	private Duration rememberedAfter = Duration.ofMinutes(30);

	/** Sessions of the servlet container, without a gate: for tests and development. Refused in a packaged application. */
	private boolean standalone;

	public String getIssuer() {
		return this.issuer;
	}

	public void setIssuer(String issuer) {
		this.issuer = issuer;
	}

	public String getAudience() {
		return this.audience;
	}

	public void setAudience(String audience) {
		this.audience = audience;
	}

	public String getKeys() {
		return this.keys;
	}

	public void setKeys(String keys) {
		this.keys = keys;
	}

	public List<String> getDirectPaths() {
		return this.directPaths;
	}

	public void setDirectPaths(List<String> directPaths) {
		this.directPaths = directPaths;
	}

	public boolean isHostFromIssuer() {
		return this.hostFromIssuer;
	}

	public void setHostFromIssuer(boolean hostFromIssuer) {
		this.hostFromIssuer = hostFromIssuer;
	}

	public DataSize getDataLimit() {
		return this.dataLimit;
	}

	public void setDataLimit(DataSize dataLimit) {
		this.dataLimit = dataLimit;
	}

	public String getControlUrl() {
		return this.controlUrl;
	}

	public void setControlUrl(String controlUrl) {
		this.controlUrl = controlUrl;
	}

	public Duration getTimeout() {
		return this.timeout;
	}

	public void setTimeout(Duration timeout) {
		this.timeout = timeout;
	}

	public List<String> getAllowedTypes() {
		return this.allowedTypes;
	}

	public void setAllowedTypes(List<String> allowedTypes) {
		this.allowedTypes = allowedTypes;
	}

	public String getRememberMeCookie() {
		return this.rememberMeCookie;
	}

	public void setRememberMeCookie(String rememberMeCookie) {
		this.rememberMeCookie = rememberMeCookie;
	}

	public Duration getRememberedAfter() {
		return this.rememberedAfter;
	}

	public void setRememberedAfter(Duration rememberedAfter) {
		this.rememberedAfter = rememberedAfter;
	}

	public boolean isStandalone() {
		return this.standalone;
	}

	public void setStandalone(boolean standalone) {
		this.standalone = standalone;
	}

}
