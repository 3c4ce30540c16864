package shop;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.core.env.Environment;

@SpringBootApplication
public class Shop {

	public static void main(String[] arguments) {
		Environment environment = SpringApplication.run(Shop.class, arguments).getEnvironment();
		System.out.println("listening on " + environment.getProperty("local.server.port"));
	}

}
