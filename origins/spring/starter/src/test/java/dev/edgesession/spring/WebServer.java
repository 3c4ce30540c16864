package dev.edgesession.spring;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;

import com.fasterxml.jackson.databind.node.ObjectNode;

import org.springframework.beans.BeanUtils;
import org.springframework.boot.test.context.assertj.AssertableWebApplicationContext;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.test.util.ReflectionTestUtils;
import org.springframework.web.context.ConfigurableWebApplicationContext;

/** An application on a real server, where it matters what the container makes of a response. */
final class WebServer {

	private WebServer() {
	}

	static WebApplicationContextRunner with(Class<?> pages) {
		return new WebApplicationContextRunner(() -> (ConfigurableWebApplicationContext) BeanUtils.instantiateClass(Boot.WEB_CONTEXT))
			.withConfiguration(Boot.starterWith(Boot.WEB_SERVER))
			.withUserConfiguration(pages)
			.withPropertyValues("server.port=0", "edge-session.issuer=https://shop.example", "edge-session.keys=k1:" + "QUJD".repeat(11));
	}

	/** A request as the gate sends it, which follows no redirect. */
	static HttpURLConnection get(AssertableWebApplicationContext context, String path, ObjectNode claims) throws IOException {
		Object server = ReflectionTestUtils.invokeMethod(context.getSourceApplicationContext(), "getWebServer");
		Integer port = ReflectionTestUtils.invokeMethod(server, "getPort");
		HttpURLConnection connection = (HttpURLConnection) URI.create("http://localhost:" + port + path).toURL().openConnection();
		connection.setInstanceFollowRedirects(false);
		connection.setRequestProperty(EdgeRequest.ASSERTION, TestMessages.of(context).assertion(claims));
		return connection;
	}

}
