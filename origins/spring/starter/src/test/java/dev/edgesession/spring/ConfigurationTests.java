package dev.edgesession.spring;

import dev.edgesession.spring.security.PrincipalSubjectResolver;
import dev.edgesession.spring.security.UrlRequestCache;
import jakarta.servlet.DispatcherType;
import org.junit.jupiter.api.Test;

import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.assertj.AssertableWebApplicationContext;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.web.servlet.DelegatingFilterProxyRegistrationBean;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.authority.AuthorityUtils;
import org.springframework.security.core.session.SessionRegistry;
import org.springframework.security.web.authentication.session.ConcurrentSessionControlAuthenticationStrategy;
import org.springframework.security.web.savedrequest.HttpSessionRequestCache;
import org.springframework.security.web.savedrequest.RequestCache;
import org.springframework.session.SessionRepository;
import org.springframework.session.web.http.SessionRepositoryFilter;
import org.springframework.web.context.request.RequestContextHolder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What an application gets, and which mistakes stop its start. */
class ConfigurationTests {

	private static final String KEY = "QUJD".repeat(11);

	private static final String[] LINES = { "edge-session.issuer=https://shop.example", "edge-session.keys=k1:" + KEY };

	private final WebApplicationContextRunner runner = new WebApplicationContextRunner()
		.withConfiguration(Boot.starterWith(EdgeSessionSecurityAutoConfiguration.class))
		.withPropertyValues(LINES);

	@Test
	void theDependencyAndTwoLinesAreEnough() {
		this.runner.run((context) -> assertThat(context).hasSingleBean(SessionRepositoryFilter.class)
			.hasSingleBean(SessionRepository.class)
			.hasSingleBean(EdgeSessions.class)
			.hasSingleBean(SessionRegistry.class)
			.hasBean("edgeSessionFilter")
			.getBean(RequestCache.class)
			.isInstanceOf(UrlRequestCache.class));
	}

	@Test
	void springSessionsFilterRunsForErrorsTooWhetherOrNotBootRegistersIt() {
		AutoConfigurations alone = AutoConfigurations.of(EdgeSessionAutoConfiguration.class, SessionFilterAutoConfiguration.class);
		AutoConfigurations both = AutoConfigurations.of(EdgeSessionAutoConfiguration.class, SessionFilterAutoConfiguration.class, Boot.SESSION);
		for (AutoConfigurations one : new AutoConfigurations[] { alone, both }) {
			new WebApplicationContextRunner().withConfiguration(one).withPropertyValues(LINES).run((context) -> {
				assertThat(context).hasSingleBean(DelegatingFilterProxyRegistrationBean.class);
				DelegatingFilterProxyRegistrationBean filter = context.getBean(DelegatingFilterProxyRegistrationBean.class);
				assertThat(filter.getFilterName()).isEqualTo("springSessionRepositoryFilter");
				assertThat(filter.getOrder()).isEqualTo(SessionRepositoryFilter.DEFAULT_ORDER);
				assertThat(filter.determineDispatcherTypes()).containsExactlyInAnyOrder(DispatcherType.REQUEST, DispatcherType.ASYNC, DispatcherType.ERROR);
			});
		}
	}

	@Test
	void aSessionThatIsNotTheGatesIsNoneOfTheRegistrys() {
		// Spring Security asks for each session that comes, on the port of the actuators too, and who signs in there is not counted.
		RequestContextHolder.resetRequestAttributes(); // MockMvc leaves the last request of another test there
		this.runner.run((context) -> {
			SessionRegistry registry = context.getBean(SessionRegistry.class);
			assertThat(registry.getSessionInformation("of the container")).isNull();
			Authentication login = UsernamePasswordAuthenticationToken.authenticated("ann", null, AuthorityUtils.NO_AUTHORITIES);
			assertThatNoException().isThrownBy(() -> new ConcurrentSessionControlAuthenticationStrategy(registry).onAuthentication(login, new MockHttpServletRequest(), new MockHttpServletResponse()));
			assertThatThrownBy(() -> registry.getAllSessions("ann", false)).as("in a job").isInstanceOf(EdgeSessionException.class);
		});
	}

	@Test
	void springSecurityIsNotNeeded() {
		this.runner.withClassLoader(new FilteredClassLoader("org.springframework.security"))
			.run((context) -> assertThat(context).hasNotFailed().hasSingleBean(SessionRepositoryFilter.class).doesNotHaveBean("edgeSessionRegistry"));
	}

	@Test
	void theApplicationsOwnBeansComeFirst() {
		this.runner.withBean(RequestCache.class, HttpSessionRequestCache::new)
			.withBean(SubjectResolver.class, () -> (attributes) -> (String) attributes.apply("account"))
			.run((context) -> {
				assertThat(context).doesNotHaveBean(PrincipalSubjectResolver.class).doesNotHaveBean(UrlRequestCache.class);
				// The registry lists by the principal's name, which need not be the subject any more.
				assertThat(context).doesNotHaveBean(SessionRegistry.class);
			});
	}

	@Test
	void mistakesStopTheStartInWordsThatHoldNoKey() {
		for (String[] wrong : new String[][] { { "issuer", "https://shop.example/" }, { "issuer", "shop.example" }, { "issuer", "ftp://shop.example" },
				{ "issuer", "https://user@shop.example" }, { "issuer", "" }, { "audience", "https://shop.example" }, { "audience", "" }, { "keys", "k1:short" },
				{ "keys", "" }, { "keys", "k1:" + KEY + ",k1:" + KEY }, { "keys", KEY }, { "direct-paths", "healthz" }, { "direct-paths", "/health/*" },
				{ "data-limit", "8KB" } }) {
			this.runner.withPropertyValues("edge-session." + wrong[0] + "=" + wrong[1])
				.run((context) -> assertThat(context).as("%s=%s", wrong[0], wrong[1])
					.getFailure()
					.rootCause()
					.hasMessageContaining("edge-session." + wrong[0])
					.hasMessageNotContaining(KEY));
		}
	}

	@Test
	void keysAndWhatASessionHoldsDoNotPrint() {
		SigningKeys keys = SigningKeys.parse("k1:" + KEY);
		EdgeClaims claims = new EdgeClaims(Json.object().put("sid", "s").put("sub", "alice").set("data", Json.object().put("note", "private")));
		assertThat(claims + " " + keys + " " + keys.newest()).contains("s", "k1").doesNotContain("ABC", KEY, "alice", "private");
	}

	@Test
	void developmentKeysAreForASiteOnThisMachineOnly() {
		WebApplicationContextRunner development = this.runner.withPropertyValues("edge-session.keys=k1:" + KEY + ",DEV-origin-1:" + KEY);
		for (String issuer : new String[] { "http://localhost:8787", "http://app.localhost", "http://127.0.0.1:1", "http://[::1]:1" }) {
			development.withPropertyValues("edge-session.issuer=" + issuer).run((context) -> assertThat(context).as(issuer).hasNotFailed());
		}
		for (String issuer : new String[] { "https://shop.example", "https://localhost.example", "https://127.example" }) {
			development.withPropertyValues("edge-session.issuer=" + issuer)
				.run((context) -> assertThat(context).as(issuer).getFailure().rootCause().hasMessageContaining("development key"));
		}
	}

	@Test
	void standaloneModeRunsWhereTestsOrDevtoolsAreAndNoProductionProfileIs() {
		WebApplicationContextRunner standalone = this.runner.withPropertyValues("edge-session.standalone=true");
		standalone.run((context) -> assertThat(context).hasNotFailed().doesNotHaveBean(SessionRepositoryFilter.class));
		standalone.withPropertyValues("spring.profiles.active=prod").run(ConfigurationTests::refusesToStart);
		standalone.withClassLoader(new FilteredClassLoader(SpringBootTest.class)).run(ConfigurationTests::refusesToStart);
	}

	private static void refusesToStart(AssertableWebApplicationContext context) {
		assertThat(context).getFailure().rootCause().hasMessageContaining("for development and tests");
	}

}
