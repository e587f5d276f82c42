// Opens connections in leakHere() and takes others in takeHere(), and never closes one.
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import javax.management.ObjectName;

public class Leak {
	static final List<Socket> kept = new ArrayList<>();

	static void leakHere(int port) throws IOException {
		kept.add(new Socket(InetAddress.getLoopbackAddress(), port));
	}

	static void openPool(int port, int wanted) throws Exception {
		for (int i = 0; i < wanted; i++) {
			leakHere(port);
			if (i == 0 && Boolean.getBoolean("leak.perfmap"))
				writePerfMap();
		}
	}

	// What jcmd PID Compiler.perfmap does.
	static void writePerfMap() throws Exception {
		ObjectName commands = new ObjectName("com.sun.management:type=DiagnosticCommand");
		ManagementFactory.getPlatformMBeanServer().invoke(commands, "compilerPerfmap", null, null);
	}

	static void takeHere(ServerSocket listener) throws IOException {
		kept.add(listener.accept());
	}

	static void servePool(int port, int wanted) throws IOException {
		ServerSocket listener = new ServerSocket(port, 128, InetAddress.getLoopbackAddress());
		System.out.println("listening");
		for (int i = 0; i < wanted; i++)
			takeHere(listener);
	}

	public static void main(String[] arguments) throws Exception {
		int port = Integer.parseInt(arguments[1]), wanted = Integer.parseInt(arguments[2]);
		if (arguments[0].equals("connect"))
			openPool(port, wanted);
		else
			servePool(port, wanted);
		System.out.println("ready");
		System.in.readAllBytes();
	}
}
