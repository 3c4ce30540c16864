package shop;

import java.util.List;
import java.util.Map;

import jakarta.servlet.http.Cookie;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.test.web.servlet.MockMvc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.springframework.security.test.web.servlet.request.SecurityMockMvcRequestPostProcessors.csrf;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.get;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.post;

/** HttpSession on the gate's session: what each habit of Spring's users makes the gate do. */
@SpringBootTest
@WithMockMvc
class SessionsTests {

	@Autowired
	MockMvc mvc;

	Edge edge;

	@BeforeEach
	void aNewBrowser() {
		this.edge = new Edge(this.mvc);
	}

	private void signedIn() throws Exception {
		this.edge.login("user-1");
		assertThat(this.edge.sub).isEqualTo("user-1");
	}

	@Test
	void aRequestThatWritesNothingMakesNoSession() throws Exception {
		for (String path : List.of("/quiet", "/plain", "/where", "/basket", "/notice")) {
			this.edge.read(path);
			assertThat(this.edge.control).as(path).isNull();
		}
	}

	@Test
	void theFirstWriteMakesAnAnonymousSessionWithTheWholeData() throws Exception {
		this.edge.change(Map.of("set", Map.of("a", 1, "b", "x")));
		assertThat(this.edge.control.toString()).isEqualTo("{\"op\":\"create\",\"data\":" + this.edge.data + "}");
		assertThat(this.edge.state().get("data")).isEqualTo(Map.of("a", 1, "b", "x"));
	}

	@Test
	void aWriteIsAnUpdateOfWhatChanged() throws Exception {
		this.edge.change(Map.of("set", Map.of("a", 1, "b", List.of(1), "d", "x")));
		this.edge.change(Map.of("set", Map.of("a", 1, "b", List.of(1, 2)), "unset", List.of("d", "never")));
		assertThat(this.edge.control.toString()).isEqualTo("{\"op\":\"update\",\"set\":{\"b\":[\"~u.ArrayList\",[1,2]]},\"unset\":[\"d\"]}");
	}

	@Test
	void readingSaysNothingWhateverTheNumbers() throws Exception {
		this.edge.change(Map.of("set", Map.of("a", 1, "b", 10_000_000_000L, "c", 2.5, "d", Map.of("x", 1, "y", List.of(1, 2)))));
		this.edge.state(); // it shows a CSRF token, which Spring keeps in the session
		for (int i = 0; i < 2; i++) {
			this.edge.state();
			assertThat(this.edge.control).isNull();
		}
		this.edge.change(Map.of("set", Map.of("a", 1, "b", 10_000_000_000L, "d", Map.of("y", List.of(1, 2), "x", 1))));
		assertThat(this.edge.control).isNull();
	}

	@Test
	void aLoginIsANewSessionOfTheUserWithTheDataAndNoPassword() throws Exception {
		this.edge.change(Map.of("set", Map.of("cart", 3)));
		String before = this.edge.sid;
		this.edge.login("user-1");
		assertThat(this.edge.control.get("op").textValue()).isEqualTo("create");
		assertThat(this.edge.control.get("sub").textValue()).isEqualTo("user-1");
		assertThat(this.edge.control.has("remember")).isFalse();
		assertThat(this.edge.control.at("/data/cart").intValue()).isEqualTo(3);
		assertThat(this.edge.control.toString()).doesNotContain("secret");
		assertThat(this.edge.state()).containsEntry("user", "user-1").containsEntry("key", this.edge.sid).doesNotContainEntry("key", before);
	}

	@Test
	void loggingInAgainBeginsANewLife() throws Exception {
		signedIn();
		this.edge.login("user-1");
		assertThat(this.edge.control.get("op").textValue()).isEqualTo("create");
		this.edge.login("user-2");
		assertThat(this.edge.control.get("sub").textValue()).isEqualTo("user-2");
	}

	@Test
	void aLogoutEndsTheSessionOnce() throws Exception {
		signedIn();
		this.edge.submit("/logout");
		assertThat(this.edge.control.toString()).isEqualTo("{\"op\":\"destroy\"}");
		this.edge.submit("/logout");
		assertThat(this.edge.control).isNull();
	}

	@Test
	void whoeverARequestRunsAsWithoutSavingItIsNotSignedInByThat() throws Exception {
		signedIn();
		this.edge.state();
		for (String role : List.of("ROLE_ADMIN", "ROLE_USER")) {
			for (String user : List.of("root", "user-1")) {
				this.edge.read("/as?user=" + user + "&role=" + role);
				assertThat(this.edge.control).as(user + " " + role).isNull();
			}
		}
		assertThat(this.edge.read("/admin").getResponse().getStatus()).isEqualTo(403);
	}

	@Test
	void aSessionThatAnotherApplicationSignedInIsLeftAlone() throws Exception {
		this.edge.sid = "of-the-other";
		this.edge.sub = "user-x";
		assertThat(this.edge.state()).containsEntry("user", "").containsEntry("key", "of-the-other");
		assertThat(this.edge.control.get("op").textValue()).as("Spring keeps its CSRF token there").isEqualTo("update");
		this.edge.change(Map.of("set", Map.of("a", 1)));
		assertThat(this.edge.control.toString()).isEqualTo("{\"op\":\"update\",\"set\":{\"a\":1}}");
		this.edge.login("user-1");
		assertThat(this.edge.control.get("op").textValue()).isEqualTo("create");
		assertThat(this.edge.control.get("sub").textValue()).isEqualTo("user-1");
	}

	@Test
	void aNewIdIsARotationAndKnownAtOnce() throws Exception {
		signedIn();
		String body = this.edge.submit("/sudo").getResponse().getContentAsString();
		assertThat(this.edge.control.toString()).isEqualTo("{\"op\":\"rotate\",\"set\":{\"sudo\":true}}");
		assertThat(body).contains("\"key\":\"" + this.edge.jti + "\"");
		assertThat(this.edge.sid).isEqualTo(this.edge.jti);
	}

	@Test
	void anAnonymousSessionThatGetsANewIdIsANewOne() throws Exception {
		this.edge.change(Map.of("set", Map.of("a", 1)));
		this.edge.submit("/sudo");
		assertThat(this.edge.control.get("op").textValue()).isEqualTo("create");
		assertThat(this.edge.data.get("a").intValue()).isEqualTo(1);
	}

	@Test
	void aSecondFactorIsARotationThatSaysHow() throws Exception {
		signedIn();
		String id = this.edge.submit("/otp").getResponse().getContentAsString();
		assertThat(this.edge.control.get("op").textValue()).isEqualTo("rotate");
		assertThat(this.edge.control.get("amr").toString()).isEqualTo("[\"pwd\",\"otp\"]");
		assertThat(this.edge.control.has("auth_time")).isTrue();
		assertThat(id).isEqualTo(this.edge.jti);
	}

	@Test
	void aChangedPasswordEndsTheOthers() throws Exception {
		signedIn();
		this.edge.submit("/password");
		assertThat(this.edge.control.toString()).isEqualTo("{\"op\":\"rotate\",\"end_others\":true}");
	}

	@Test
	void loggingOutEverywhereIsOneOperation() throws Exception {
		signedIn();
		this.edge.submit("/everywhere");
		assertThat(this.edge.control.toString()).isEqualTo("{\"op\":\"destroy_all\",\"sub\":\"user-1\"}");
		this.edge.submit("/everywhere");
		assertThat(this.edge.control).isNull();
	}

	@Test
	void rememberMeIsTheGates() throws Exception {
		MockHttpServletResponse response = this.edge.submit("/login", "username", "user-1", "password", "secret", "remember-me", "on").getResponse();
		assertThat(this.edge.control.get("remember").booleanValue()).isTrue();
		assertThat(this.edge.control.get("absolute").intValue()).isEqualTo(14 * 86_400);
		assertThat(response.getCookie("remember-me")).isNull();
	}

	private int dangerous() throws Exception {
		return this.edge.send(get("/danger").header("Accept", "application/json")).getResponse().getStatus();
	}

	@Test
	void aRememberedUserIsFullyAuthenticatedForAWhileAfterTheLogin() throws Exception {
		this.edge.submit("/login", "username", "user-1", "password", "secret", "remember-me", "on");
		long now = System.currentTimeMillis() / 1000;
		this.edge.authTime = now - 29 * 60;
		assertThat(dangerous()).isEqualTo(200);
		this.edge.authTime = now - 31 * 60;
		assertThat(dangerous()).isEqualTo(302);
		assertThat(this.edge.control).isNull();
		assertThat(this.edge.read("/private").getResponse().getContentAsString()).isEqualTo("the page of user-1");
		assertThat(this.edge.control).as("nothing of that is written").isNull();
		this.edge.change(Map.of("set", Map.of("a", 1)));
		assertThat(this.edge.control.toString()).isEqualTo("{\"op\":\"update\",\"set\":{\"a\":1}}");
		assertThat(dangerous()).isEqualTo(302);
		this.edge.authTime = null;
		assertThat(dangerous()).as("nobody knows when").isEqualTo(302);
		this.edge.login("user-1");
		assertThat(dangerous()).as("a login that is not remembered").isEqualTo(200);
		assertThat(this.edge.data.toString()).doesNotContain("remembered");
	}

	@Test
	void thatTheUserIsRememberedIsNoAttribute() throws Exception {
		signedIn();
		String plain = this.edge.read("/quiet").getResponse().getContentAsString();
		this.edge.submit("/login", "username", "user-1", "password", "secret", "remember-me", "on");
		assertThat(this.edge.data.toString()).contains("\"edge-session.remembered\":true");
		assertThat(this.edge.read("/quiet").getResponse().getContentAsString()).isEqualTo(plain);
		this.edge.submit("/logout");
		assertThat(this.edge.control.toString()).isEqualTo("{\"op\":\"destroy\"}");
	}

	@Test
	void aUserWhoIsNotRememberedStaysFullyAuthenticated() throws Exception {
		signedIn();
		this.edge.authTime = System.currentTimeMillis() / 1000 - 11 * 3600;
		assertThat(dangerous()).isEqualTo(200);
	}

	@Test
	void aRememberMeCookieOfBeforeIsTakenAwayByTheNextLogin() throws Exception {
		MockHttpServletResponse response = this.edge
			.send(post("/login").with(csrf())
				.param("username", "user-1")
				.param("password", "secret")
				.param("remember-me", "on")
				.cookie(new Cookie("remember-me", "of-before")))
			.getResponse();
		assertThat(response.getCookie("remember-me").getMaxAge()).isZero();
		assertThat(this.edge.control.get("remember").booleanValue()).isTrue();
	}

	@Test
	void aShorterPatienceIsToldAndALongerOneIsNot() throws Exception {
		signedIn();
		this.edge.submit("/patience", "seconds", "300");
		assertThat(this.edge.control.toString()).isEqualTo("{\"op\":\"update\",\"idle\":300}");
		for (String seconds : List.of("86400", "0", "-1")) {
			this.edge.submit("/patience", "seconds", seconds);
			assertThat(this.edge.control).as(seconds).isNull();
		}
	}

	@Test
	void theIdOfASessionJustMadeIsTheRequestsJti() throws Exception {
		String cart = this.edge.read("/cart").getResponse().getContentAsString();
		assertThat(this.edge.control.toString()).isEqualTo("{\"op\":\"create\"}");
		assertThat(cart).isEqualTo(this.edge.jti);
		assertThat(this.edge.read("/cart").getResponse().getContentAsString()).isEqualTo(cart);
		assertThat(this.edge.control).isNull();
	}

	@Test
	void anObjectChangedInPlaceIsSaved() throws Exception {
		this.edge.submit("/basket", "item", "tea");
		this.edge.submit("/basket", "item", "bread");
		assertThat(this.edge.control.at("/set/basket").toString()).contains("tea", "bread", "9.90");
		this.edge.read("/basket");
		assertThat(this.edge.control).isNull();
	}

	@Test
	void aBeanOfTheSessionLivesInIt() throws Exception {
		for (int page = 1; page <= 3; page++) {
			assertThat(this.edge.read("/visit").getResponse().getContentAsString()).isEqualTo("page " + page);
		}
		assertThat(this.edge.control.toString()).isEqualTo("{\"op\":\"update\",\"set\":{\"scopedTarget.visit\":{\"~\":\"shop.Visit\",\"pages\":3}}}");
	}

	@Test
	void anAddressThatIsTooLongForTheSessionIsNotSaved() throws Exception {
		this.edge.send(get("/private?x=" + "y".repeat(2000)).header("Accept", "text/html"));
		assertThat(this.edge.control).isNull();
	}

	@Test
	void flashAttributesAreShownOnce() throws Exception {
		this.edge.submit("/notice");
		assertThat(this.edge.read("/notice").getResponse().getContentAsString()).isEqualTo("Gespeichert: Grüße");
		assertThat(this.edge.read("/notice").getResponse().getContentAsString()).isEqualTo("null");
		assertThat(this.edge.control).isNull();
	}

	@Test
	void ofASavedRequestOnlyTheAddressIsKept() throws Exception {
		this.edge.send(get("/private?x=1").header("Accept", "text/html").header("X-Big", "x".repeat(3000)).cookie(new Cookie("big", "y".repeat(3000))));
		assertThat(this.edge.data.toString().length()).isLessThan(250);
		assertThat(this.edge.login("user-1").getResponse().getRedirectedUrl()).isEqualTo("https://shop.example/private?x=1&continue");
		this.edge.read("/private?x=1&continue");
		assertThat(this.edge.data.has("SPRING_SECURITY_SAVED_REQUEST")).isFalse();
	}

	@Test
	void onlyPagesAreSavedForAfterTheLogin() throws Exception {
		this.edge.send(get("/private").header("Accept", "application/json"));
		assertThat(this.edge.control).isNull();
		this.edge.send(get("/private").header("X-Requested-With", "XMLHttpRequest"));
		assertThat(this.edge.control).isNull();
	}

	@Test
	void whatAnErrorPageWroteIsNotKeptButALogoutCounts() throws Exception {
		signedIn();
		for (String how : List.of("status", "answer")) {
			this.edge.read("/fails?how=" + how);
			assertThat(this.edge.control).as(how).isNull();
		}
		for (String how : List.of("throw", "huge", "type")) {
			assertThatThrownBy(() -> this.edge.read("/fails?how=" + how)).as(how).isNotNull();
			assertThat(this.edge.control).as(how).isNull();
		}
	}

	@Test
	void aResponseWithAControlIsKeptByNoCache() throws Exception {
		signedIn();
		MockHttpServletResponse response = this.edge.read("/bump?name=a").getResponse();
		assertThat(this.edge.control).isNotNull();
		assertThat(response.getHeaders("Cache-Control")).containsExactly("private, no-store");
	}

}
