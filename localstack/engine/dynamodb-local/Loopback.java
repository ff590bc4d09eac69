import java.lang.reflect.Field;
import software.amazon.dynamodb.services.local.main.ServerRunner;

/**
 * Starts DynamoDB Local with its usual arguments, but on the loopback address alone: it has no option for that, and listens on every one. It ends with
 * the process that started it, however that ends: LocalStack, killed, would leave it behind.
 */
public class Loopback {
    public static void main(String[] args) throws Exception {
        Object local = ServerRunner.createServerFromCommandLineArgs(args);
        Field field = local.getClass().getDeclaredField("server");
        field.setAccessible(true);
        Object jetty = field.get(local);
        for (Object connector : (Object[]) jetty.getClass().getMethod("getConnectors").invoke(jetty)) {
            connector.getClass().getMethod("setHost", String.class).invoke(connector, "127.0.0.1");
        }
        ProcessHandle.current().parent().ifPresent(
                starter -> starter.onExit().thenRun(() -> Runtime.getRuntime().halt(0)));
        local.getClass().getMethod("start").invoke(local);
        Thread.currentThread().join();
    }
}
