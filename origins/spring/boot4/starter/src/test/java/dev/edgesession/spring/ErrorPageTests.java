package dev.edgesession.spring;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.nio.charset.StandardCharsets;

import com.fasterxml.jackson.databind.node.ObjectNode;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.junit.jupiter.api.Test;

import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.web.error.ErrorPage;
import org.springframework.boot.web.error.ErrorPageRegistrar;
import org.springframework.boot.web.servlet.ServletRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import static org.assertj.core.api.Assertions.assertThat;

/** An application that names no module of Boot's for sessions, as most on Boot 4. */
class ErrorPageTests {

	private final WebApplicationContextRunner runner = WebServer.with(Pages.class);

	@Configuration(proxyBeanMethods = false)
	static class Pages {

		@Bean
		ErrorPageRegistrar errors() {
			return (registry) -> registry.addErrorPages(new ErrorPage("/oops"));
		}

		@Bean
		ServletRegistrationBean<HttpServlet> page() {
			return new ServletRegistrationBean<>(new HttpServlet() {

				@Override
				protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
					response.sendError(HttpServletResponse.SC_CONFLICT);
				}

			}, "/page");
		}

		@Bean
		ServletRegistrationBean<HttpServlet> error() {
			return new ServletRegistrationBean<>(new HttpServlet() {

				@Override
				protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
					response.getWriter().print("Sorry, " + request.getSession().getAttribute("name"));
				}

			}, "/oops");
		}

	}

	@Test
	void anErrorPageHasTheSession() {
		this.runner.run((context) -> {
			ObjectNode claims = Json.object().put("sid", "s");
			claims.putObject("data").put("name", "Ann");
			HttpURLConnection connection = WebServer.get(context, "/page", claims);
			assertThat(connection.getResponseCode()).isEqualTo(409);
			assertThat(new String(connection.getErrorStream().readAllBytes(), StandardCharsets.UTF_8)).isEqualTo("Sorry, Ann");
			assertThat(connection.getHeaderField("Set-Cookie")).as("a session of the container").isNull();
		});
	}

}
