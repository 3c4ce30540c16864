package dev.edgesession.spring;

import java.io.IOException;
import java.net.HttpURLConnection;

import com.fasterxml.jackson.databind.node.ObjectNode;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.junit.jupiter.api.Test;

import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.web.servlet.ServletRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import static org.assertj.core.api.Assertions.assertThat;

/** The redirects that Servlet 6.1 has brought. */
class Servlet61Tests {

	private final WebApplicationContextRunner runner = WebServer.with(Pages.class);

	@Configuration(proxyBeanMethods = false)
	static class Pages {

		@Bean
		ServletRegistrationBean<HttpServlet> page() {
			return new ServletRegistrationBean<>(new HttpServlet() {

				@Override
				protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
					request.getSession().setAttribute("seen", 1);
					switch (request.getPathInfo()) {
						case "/status" -> response.sendRedirect("/there", HttpServletResponse.SC_SEE_OTHER);
						case "/buffer" -> response.sendRedirect("there", true);
						default -> response.sendRedirect("?x", HttpServletResponse.SC_TEMPORARY_REDIRECT, true);
					}
				}

			}, "/from/*");
		}

	}

	@Test
	void eachLeadsToTheSiteAndCarriesWhatTheSessionBecame() {
		this.runner.run((context) -> {
			for (String[] one : new String[][] { { "status", "303", "/there" }, { "buffer", "302", "/from/there" }, { "both", "307", "/from/both?x" } }) {
				HttpURLConnection connection = WebServer.get(context, "/from/" + one[0], Json.object());
				assertThat(connection.getResponseCode()).hasToString(one[1]);
				assertThat(connection.getHeaderField("Location")).isEqualTo("https://shop.example" + one[2]);
				ObjectNode control = TestMessages.of(context).control(connection.getHeaderField(EdgeResponse.CONTROL));
				assertThat(control).as(one[0]).isNotNull();
				assertThat(control.get("op").asText()).isEqualTo("create");
				assertThat(control.get("data").get("seen").asInt()).isEqualTo(1);
			}
		});
	}

}
