package shop;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.servlet.context.ServletWebServerInitializedEvent;
import org.springframework.context.event.EventListener;

@SpringBootApplication
public class Shop {

	public static void main(String[] arguments) {
		SpringApplication.run(Shop.class, arguments);
	}

	@EventListener
	void tellThePort(ServletWebServerInitializedEvent event) {
		System.out.println("listening on " + event.getWebServer().getPort());
	}

}
